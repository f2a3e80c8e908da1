/** A signal as a promise, and timers that know when to end early. */

/** Milliseconds of a tick. */
export const TICK = 1000;

/** The longest time that timers can do, in milliseconds. */
export const FOREVER = 2 ** 31 - 1;

/** Nothing came. */
export class Stalled extends Error {}

/**
 * Return what *promise* brings. Raises `Stalled` when *ticks* go by before it does. A machine that
 * sleeps makes no ticks, so it wakes up to a connection that is taken for alive until proven dead.
 */
export async function within<T>(ticks: number, promise: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setInterval> | undefined;
  const silence = new Promise<never>((_, reject) => {
    let left = ticks;
    timer = setInterval(() => --left > 0 || reject(new Stalled("nothing came")), TICK);
  });
  try {
    return await Promise.race([promise, silence]);
  } finally {
    clearInterval(timer);
  }
}

/** Wait for so many milliseconds, or until *signal* aborts. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end);
    if (signal.aborted) end();
  });
}

/** Say whether the page cannot be seen. What is no page always can. */
export const isHidden = () => globalThis.document?.visibilityState === "hidden";

/** Say whether the machine knows that it has no network. */
export const isOffline = () => globalThis.navigator?.onLine === false;

/** Call *change* when the page is shown or hidden, or the network comes back, until *signal* aborts. */
export function onChange(change: () => void, signal: AbortSignal): void {
  if (signal.aborted) return;
  const { document, window } = globalThis;
  for (const [target, type] of [
    [document, "visibilitychange"],
    [window, "online"],
  ] as const) {
    target?.addEventListener?.(type, change);
    signal.addEventListener("abort", () => target?.removeEventListener?.(type, change));
  }
}
