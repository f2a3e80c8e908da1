/** Anything that gives one chunk after the other. */
export type Source<T> = AsyncIterable<T> | Iterable<T> | ReadableStream<T>;

/** Return what gives the chunks of *source*; not all browsers let one iterate over a stream. */
export function iteratorOf<T>(source: Source<T>): AsyncIterator<T> | Iterator<T> {
  if (!("getReader" in source)) {
    return Symbol.asyncIterator in source
      ? source[Symbol.asyncIterator]()
      : source[Symbol.iterator]();
  }
  const reader = source.getReader();
  return {
    next: () => reader.read() as Promise<IteratorResult<T>>,
    return: async () => {
      await reader.cancel();
      return { done: true, value: undefined };
    },
  };
}

/**
 * Iterate over *source*, until one of *signals* aborts. Then, and when the caller has enough, the source is
 * told to end, but not waited for: one that hangs would keep us.
 */
export async function* iterate<T>(
  source: Source<T>,
  ...signals: (AbortSignal | undefined)[]
): AsyncGenerator<T, void, undefined> {
  const from = iteratorOf(source);
  let end = () => {};
  const abort = () => end();
  for (const signal of signals) signal?.addEventListener("abort", abort);
  // Not raced with one promise for all: that would keep whatever has come first.
  const next = () =>
    new Promise<IteratorResult<T> | undefined>((resolve, reject) => {
      end = () => resolve(undefined);
      if (signals.some((signal) => signal?.aborted)) end();
      else Promise.resolve(from.next()).then(resolve, reject);
    });
  try {
    for (let found = await next(); found && !found.done; found = await next()) yield found.value;
  } finally {
    for (const signal of signals) signal?.removeEventListener("abort", abort);
    Promise.resolve(from.return?.()).catch(() => {});
  }
}
