/** The runs that the page knows, newest first, as pages of them come in. */

import type { RunInfo } from "./api.js";

/** Enough to scroll through; more is found by its id. */
export const RUNS_KEPT = 2000;

/** Say whether a newest page reaches down to the runs *known* so far. */
export const overlaps = (known: RunInfo[], page: RunInfo[]): boolean => {
  const names = new Set(page.map(({ id }) => id));
  return known.some(({ id }) => names.has(id));
};

/**
 * Put the newest page before the runs *known* so far. Of those, the ones that it should have named
 * and did not are gone; and all are let go when there may be others between.
 */
export function refreshed(known: RunInfo[], page: RunInfo[], isAll: boolean): RunInfo[] {
  const last = page[page.length - 1];
  if (isAll || !last || !overlaps(known, page)) return page;
  const named = new Set(page.map(({ id }) => id));
  const older = known.filter((run) => !named.has(run.id) && run.created <= last.created);
  return [...page, ...older].slice(0, RUNS_KEPT);
}

/** Put an older page after them. */
export function continued(known: RunInfo[], page: RunInfo[]): RunInfo[] {
  const named = new Set(known.map(({ id }) => id));
  return [...known, ...page.filter(({ id }) => !named.has(id))].slice(0, RUNS_KEPT);
}

/** The runs that a search text fits: by their own names, or those they come from. */
export function fitting(runs: RunInfo[], text: string): RunInfo[] {
  const needle = text.trim().toLowerCase();
  if (!needle) return runs;
  return runs.filter(({ id, parent, root }) =>
    [id, parent, root].some((name) => name?.toLowerCase().includes(needle)),
  );
}
