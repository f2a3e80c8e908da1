/** One JSON value of a stream, at its index. */
export interface Chunk<T = unknown> {
  /** 0, 1, 2 … without gaps, the same for every reader for ever. */
  index: number;
  data: T;
  /** Unique: it differs also between a stream and the one that took its place. */
  id: string;
  /** Milliseconds since 1970 when it was appended. */
  timestamp: number;
}

/** How a stream has ended. */
export interface Closed {
  status: "completed" | "failed" | "canceled";
  error: string | null;
  /** `producer_lost` where nothing was heard of the producer; null, or left out by an older server, else. */
  code?: string | null;
}

/** Consecutive chunks, as they came. */
export interface Page<T = unknown> {
  chunks: Chunk<T>[];
  /** The index that the stream's next chunk was to get when these were read. */
  tail: number;
  /** The stream was deleted and begun anew: these are its chunks, and those before are gone. */
  anew: boolean;
  /**
   * Which chunks of the stream no longer count, on whatever page they are, as a writer has begun anew from
   * there: the same array until others do not, either.
   */
  superseded: Span[];
}

/** Consecutive chunks: the first index, and that after the last. */
export type Span = [start: number, end: number];

/**
 * - `connecting`: the first answer is not there yet
 * - `live`: reading; what is written comes at once
 * - `waiting`: not reading, as the page is hidden, or one was told to stop
 * - `retrying`: the connection broke, and is made again
 * - `closed`: the stream is closed, and read to its end
 * - `silent`: not read any further, as nothing came for so long; there may be more one day
 * - `failed`: it goes no further; `error` says why
 */
export type Status =
  "connecting" | "live" | "waiting" | "retrying" | "closed" | "silent" | "failed";
