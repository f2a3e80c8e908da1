/** `ReadableStream` as node has it: TypeScript's own types of a page do not know `from` yet. */

export const ReadableStream = globalThis.ReadableStream as typeof globalThis.ReadableStream & {
  from<T>(items: Iterable<T>): globalThis.ReadableStream<T>;
};
export type ReadableStream<T> = globalThis.ReadableStream<T>;
