/** The latest reconnection of any chat, whichever transport made it. */
let latest: { chatId: string } | undefined;

/** Tell that the chat is about to reconnect. */
export const noteReconnection = (chatId: string) => void (latest = { chatId });

/**
 * Call *act* when somebody stops the chat. Whoever reconnects aborts the reading before in the same
 * breath, and wants nothing stopped.
 */
export function whenStopped(chatId: string, signal: AbortSignal | undefined, act: () => void) {
  whenAborted(signal, () => {
    const before = latest;
    queueMicrotask(() => {
      const isReconnected = latest !== before && latest!.chatId === chatId;
      if (!isReconnected) act();
    });
  });
}

/** Wait for *promise*, until the signal aborts. Raises an `AbortError` then. */
export function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  const aborted = new Promise<never>((_, reject) =>
    whenAborted(signal, () => reject(new DOMException("the chat was stopped", "AbortError"))),
  );
  return Promise.race([promise, aborted]);
}

/** Call *act* when the signal aborts, and at once if it has. */
export function whenAborted(signal: AbortSignal | undefined, act: () => void): void {
  if (signal?.aborted) act();
  else signal?.addEventListener("abort", act);
}
