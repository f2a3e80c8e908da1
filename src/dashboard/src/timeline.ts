/** When a run's streams were written, on one scale. */

import type { RunInfo, StreamInfo } from "./api.js";

export interface Span {
  from: number;
  to: number;
}

/** The time that all *streams* together took, from the beginning of their run on. */
export function spanOf(run: RunInfo | undefined, streams: StreamInfo[], now: number): Span {
  const from = Math.min(...streams.map(({ created }) => created), run?.created ?? Infinity);
  const ends = streams.map((info) => (info.closed ? info.updated : now));
  return { from, to: Math.max(from + 1, ...ends) };
}

/** Where a stream lies in *span*, of 0 to 1: from its beginning to its last chunk, and on while it is open. */
export function placeIn(
  { from, to }: Span,
  info: StreamInfo,
): { begin: number; written: number; end: number } {
  const share = (time: number) => Math.min(1, Math.max(0, (time - from) / (to - from)));
  const written = share(info.updated);
  return { begin: share(info.created), written, end: info.closed ? written : 1 };
}
