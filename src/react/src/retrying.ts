import { StreamError } from "./errors.js";

const FIRST_MS = 250;
const LONGEST_MS = 10_000;
/** The longest pause that a server is obeyed in; much longer ones are beyond what timers can do. */
const LONGEST_ASKED_MS = 60_000;

/** Say whether what went wrong may pass: the network, an overload, a fault of the server. */
export function isPassing(error: unknown): boolean {
  if (!(error instanceof StreamError)) return true;
  const { status, code } = error;
  if (code === "too_many_streams") return false; // there may be room in weeks
  return status === 0 || [408, 425, 429].includes(status) || (status >= 500 && status !== 501);
}

/**
 * Return how many milliseconds to wait before try number *attempt* (1, 2, 3 …), half of them by
 * *chance* (0 to 1), so that readers that broke together do not come back together.
 */
export function delay(attempt: number, chance: number, error?: unknown): number {
  const longest = Math.min(LONGEST_MS, FIRST_MS * 2 ** (attempt - 1));
  const asked = error instanceof StreamError ? error.retryAfter * 1000 : 0;
  return Math.max(Math.min(asked, LONGEST_ASKED_MS), longest / 2) + (chance * longest) / 2;
}
