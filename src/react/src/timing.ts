/** How long, and how often, is waited for what comes from a server. */

/** What is taken for silence unless told otherwise, and at most, in seconds. */
export const SILENCE_SECONDS = 60;
export const SILENCE_SECONDS_MAX = 600;
/** How long a poll waits for news. */
export const POLL_SECONDS = 20;
/** How much longer than it should a poll may take, in ticks. */
export const GRACE = 10;
/** Ticks after which a connection is dead: the server sends a ping every 10 seconds. */
export const STALL = 16;
/** Failures in a row, without a chunk, after which the other transport is tried. */
export const FRUITLESS = 2;
/** How often in a row is tried again, unless told otherwise. */
export const RETRIES = 12;

/** Return how many seconds of silence are the end, for who named so many, or none. */
export function silenceOf(named?: number): number {
  return Math.min(named || SILENCE_SECONDS, SILENCE_SECONDS_MAX);
}
