/** Servers, by address, that offer no event streams, or sit behind a proxy that holds them back. */
export const polled = new Set<string>();

/** Say whether bodies can be read piece by piece: not in React Native, and jsdom has no fetch at all. */
export function hasBodies(): boolean {
  const { ReadableStream, Response } = globalThis;
  return !!ReadableStream && !!Response && "body" in Response.prototype;
}
