/** Which streams of a run are wanted: each from an index on, null for none of it; or all others, too. */
export interface Wanted {
  streams: Record<string, number | null>;
  all: boolean;
}

/**
 * Return the index that *wanted* wants the stream *key* from; null for none of it. Who wants all, wants
 * what it has had nothing of from its beginning.
 */
export const indexIn = ({ streams, all }: Wanted, key: string): number | null =>
  key in streams ? streams[key]! : all ? 0 : null;

/** Return what serves all of *wants*: each stream from the lowest index that anybody wants. */
export function union(wants: Iterable<Wanted>): Wanted {
  const each = [...wants];
  const lowest = (key: string) => {
    const index = Math.min(...each.map((wanted) => indexIn(wanted, key) ?? Infinity));
    return index < Infinity ? index : null;
  };
  const keys = each.flatMap(({ streams }) => Object.keys(streams));
  return {
    streams: Object.fromEntries(keys.map((key) => [key, lowest(key)])),
    all: each.some(({ all }) => all),
  };
}

/** Say whether nothing is wanted. */
export const isNothing = ({ streams, all }: Wanted) =>
  !all && Object.values(streams).every((index) => index === null);
