/** Rejections that nobody handles because the published client itself does not.
 *
 * When a pipe fails, the client's tracing drops a promise that fails with it, beside the one that
 * `waitUntilComplete` returns. The test runner would blame a test for it.
 */

const expected = new Set<string>();

/** Let a failure whose message has `words` in it be dropped by the client. */
export function expectRejection(words: string): void {
  expected.add(words);
}

const isExpected = (error: unknown) => [...expected].some((words) => `${error}`.includes(words));

/** Call it once the runner listens. */
export function filterRejections(): void {
  const others = process.listeners("unhandledRejection");
  process.removeAllListeners("unhandledRejection");
  process.on("unhandledRejection", (error, promise) => {
    if (!isExpected(error)) for (const listener of others) listener(error, promise);
  });
}
