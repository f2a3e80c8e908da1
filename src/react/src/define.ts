declare const chunk: unique symbol;

/** A stream by its key, and the type of its chunks. */
export interface DefinedStream<T> {
  readonly id: string;
  /** Never there: it carries the type. */
  readonly [chunk]?: T;
}

/** What can be read: a stream defined here, one that another SDK has defined, or anything with an id. */
export type StreamLike<T> =
  | DefinedStream<T>
  | { readonly id: string; read(run: string, ...more: any[]): Promise<AsyncIterable<T>> };

/** The type of a defined stream's chunks. */
export type InferStreamType<S> = S extends StreamLike<infer T> ? T : unknown;

/** Name a stream and the type of its chunks in one place, for server and browser alike. */
export function defineStream<T>({ id }: { id: string }): DefinedStream<T> {
  return Object.freeze({ id });
}
