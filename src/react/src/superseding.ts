import type { Chunk, Span } from "./chunk.js";

/** Return those of *chunks* that count, where *superseded* ones do not. */
export const counting = <C extends Pick<Chunk, "index">>(chunks: C[], superseded: Span[]): C[] =>
  superseded.length ? chunks.filter(({ index }) => !isIn(superseded, index)) : chunks;

const isIn = (spans: Span[], index: number) =>
  spans.some(([start, end]) => index >= start && index < end);

/**
 * Return from which index on chunks up to *last*, which were given when those *known* did not count, no
 * longer do; undefined when all still do.
 */
export const lostFrom = (superseded: Span[], known: Span[], last: number): number | undefined =>
  superseded.find(
    ([start, end]) => start <= last && !known.some((one) => one[0] <= start && one[1] === end),
  )?.[0];
