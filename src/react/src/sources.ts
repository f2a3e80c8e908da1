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
  const aborted = new Promise<undefined>((resolve) => {
    for (const signal of signals) {
      if (signal?.aborted) resolve(undefined);
      signal?.addEventListener("abort", () => resolve(undefined));
    }
  });
  try {
    for (;;) {
      const next = await Promise.race([aborted, from.next()]);
      if (!next || next.done) return;
      yield next.value;
    }
  } finally {
    Promise.resolve(from.return?.()).catch(() => {});
  }
}
