/** Which streams of a run are wanted: each from an index on, null for none of it; or all others, too. */
export interface Wanted {
  streams: Record<string, number | null>;
  all: boolean;
}

/** Return what serves all of *wants*: each stream from the lowest index that anybody wants. */
export function union(wants: Iterable<Wanted>): Wanted {
  const streams = new Map<string, number | null>();
  let all = false;
  for (const wanted of wants) {
    all ||= wanted.all;
    for (const [key, index] of Object.entries(wanted.streams)) {
      const known = streams.get(key) ?? null;
      streams.set(
        key,
        known === null || index === null ? (known ?? index) : Math.min(known, index),
      );
    }
  }
  return { streams: Object.fromEntries(streams), all };
}

/** Say whether nothing is wanted. */
export const isNothing = ({ streams, all }: Wanted) =>
  !all && Object.values(streams).every((index) => index === null);
