/** The chats that have reconnected in this breath, whichever transports made them. */
const reconnecting = new Set<string>();

/** Tell that the chat is about to reconnect. */
export function noteReconnection(chatId: string): void {
  reconnecting.add(chatId);
  queueMicrotask(() => reconnecting.delete(chatId));
}

/**
 * Call *act* when somebody stops the chat. Whoever reconnects aborts the reading before in the same
 * breath, and wants nothing stopped.
 */
export function whenStopped(chatId: string, signal: AbortSignal | undefined, act: () => void) {
  whenAborted(signal, () =>
    queueMicrotask(() => {
      if (!reconnecting.has(chatId)) act();
    }),
  );
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
