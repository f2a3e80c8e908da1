import type { Chunk, Closed, Page, Span, Status } from "./chunk.js";
import type { StreamError } from "./errors.js";
import type { Reader } from "./sharedReader.js";
import { counting } from "./superseding.js";
import type { AccessToken } from "./token.js";

/** What a component sees of a stream; a new object whenever something has changed. */
export interface Snapshot<T> {
  readonly parts: T[];
  readonly status: Status;
  readonly error: StreamError | undefined;
  readonly closed: Closed | undefined;
  /** The index of the last chunk in `parts`; -1 before the first. */
  readonly lastIndex: number;
}

/** How often a snapshot is taken at most, what is kept, and what is asked with at first. */
export interface StoreOptions {
  throttleInMs: number;
  maxParts: number;
  accessToken?: AccessToken | undefined;
}

/**
 * Opens a reader that tells its status and asks with the token of the day, from an index on, or from
 * where it is to begin at first.
 */
export type Open<T> = (
  onStatus: (status: Status) => void,
  accessToken: () => string | Promise<string>,
  startIndex?: number,
) => Reader<T>;

/** A replay is shown this much less often than what is live: nobody reads along. */
const REPLAY_FACTOR = 15;

export const NOTHING: Snapshot<never> = {
  parts: [],
  status: "connecting",
  error: undefined,
  closed: undefined,
  lastIndex: -1,
};

/**
 * Holds what a reader brings, for any number of components. It reads while somebody subscribes, and
 * it is the snapshot that is throttled: chunks cost nothing until they are shown.
 */
export class StreamStore<T> {
  readonly #options: StoreOptions;
  readonly #open: Open<T>;
  readonly #onIdle: () => void;
  readonly #listeners = new Set<() => void>();
  readonly #watchers = new Set<(chunk: Chunk<T>) => void>();
  #snapshot: Snapshot<T> = NOTHING;
  #chunks: Chunk<T>[] = [];
  #superseded: Span[] = [];
  #dropped = 0;
  #token: AccessToken | undefined;
  #reader: Reader<T> | undefined;
  /** Where the reader before would have gone on. */
  #next: number | undefined;
  #shownAt = -Infinity;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #idle: ReturnType<typeof setTimeout> | undefined;

  /** Read by what *open* returns; *onIdle* is called when nobody has subscribed for a moment. */
  constructor(open: Open<T>, options: StoreOptions, onIdle: () => void = () => {}) {
    this.#open = open;
    this.#options = options;
    this.#token = options.accessToken;
    this.#onIdle = onIdle;
  }

  /** What there is to show. */
  readonly snapshot = (): Snapshot<T> => this.#snapshot;

  /** Call *listener* when there is another snapshot, until the function that is returned is called. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    clearTimeout(this.#idle);
    this.#begin();
    return () => {
      this.#listeners.delete(listener);
      if (!this.#listeners.size) this.idleIn(0);
    };
  };

  /**
   * Call *watcher* with each chunk that is here or comes, but for the first *seen* of them, until
   * what is returned is called.
   */
  watch(watcher: (chunk: Chunk<T>) => void, seen = 0): () => void {
    this.#watchers.add(watcher);
    this.#chunks.slice(Math.max(0, seen - this.#dropped)).forEach(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /** Ask with *token* from now on; go on with it, too, where the one before has failed. */
  renew(token: AccessToken | undefined): void {
    const isOther = typeof token === "string" && token !== this.#token;
    this.#token = token;
    if (!isOther || !this.#reader?.error) return;
    this.#leave();
    this.#begin();
    this.#take();
  }

  /** Stop reading, unless somebody subscribes in the next *ms* milliseconds. */
  idleIn(ms: number): void {
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => {
      this.stop();
      this.#leave();
      clearTimeout(this.#timer);
      this.#onIdle();
    }, ms);
  }

  /** Stop reading, and keep what is there. */
  readonly stop = (): void => this.#reader?.stop();

  #leave(): void {
    this.#next = this.#reader?.next;
    this.#reader = undefined;
  }

  #begin(): void {
    if (this.#reader) return;
    const last = this.#chunks.at(-1);
    const reader = this.#open(
      (status) => {
        if (reader === this.#reader) this.#show(status === "live");
      },
      () => (typeof this.#token === "function" ? this.#token() : (this.#token ?? "")),
      last ? last.index + 1 : this.#next,
    );
    this.#reader = reader;
    void this.#read(reader);
  }

  async #read(reader: Reader<T>): Promise<void> {
    try {
      for await (const page of reader.pages()) this.#keep(page);
    } catch {
      // It is in the reader, and shown with its status.
    }
    if (reader === this.#reader) this.#take();
  }

  #keep({ chunks, tail, anew, superseded }: Page<T>): void {
    if (anew) this.#drop(this.#chunks.length);
    if (superseded !== this.#superseded) this.#rollBack(superseded);
    const kept = this.#chunks;
    const fresh = counting(chunks, superseded);
    // Not by spreading: that many arguments would not fit on the stack.
    for (const chunk of fresh) kept.push(chunk);
    for (const chunk of fresh) this.#watchers.forEach((watcher) => watcher(chunk));
    const excess = kept.length - this.#options.maxParts;
    // In lumps: to move what is kept with each chunk would make long streams slow.
    if (excess > this.#options.maxParts) this.#drop(excess);
    this.#show(true, chunks.at(-1)!.index + 1 < tail);
  }

  /** Let go of what no longer counts; what follows is shown together with that. */
  #rollBack(superseded: Span[]): void {
    const left = counting(this.#chunks, superseded);
    this.#dropped += this.#chunks.length - left.length;
    this.#chunks = left;
    this.#superseded = superseded;
  }

  #drop(count: number): void {
    this.#chunks.splice(0, count);
    this.#dropped += count;
  }

  /** Take a snapshot now, or as soon as the one before is old enough. */
  #show(mayWait: boolean, isReplay = false): void {
    const { throttleInMs } = this.#options;
    const isFirst = !this.#snapshot.parts.length && this.#chunks.length;
    const due = this.#shownAt + throttleInMs * (isReplay ? REPLAY_FACTOR : 1) - performance.now();
    if (!mayWait || isFirst || due <= 0) return this.#take();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#take(), due);
  }

  #take(): void {
    clearTimeout(this.#timer);
    this.#shownAt = performance.now();
    const chunks = this.#chunks.slice(-this.#options.maxParts);
    const { status, error, closed } = this.#reader!;
    this.#snapshot = {
      parts: chunks.map(({ data }) => data),
      status,
      error,
      closed,
      lastIndex: chunks.at(-1)?.index ?? -1,
    };
    this.#listeners.forEach((listener) => listener());
  }
}
