import { answerIn, type Item } from "./items.js";
import type { Chunk, Closed, Span, Status } from "./chunk.js";
import { StreamError } from "./errors.js";
import { TICK } from "./pausing.js";
import { ReadCursor } from "./readCursor.js";
import { report } from "./reporting.js";
import type { RunHub } from "./runHub.js";
import type { AccessToken } from "./token.js";
import { counting } from "./superseding.js";
import { silenceOf } from "./timing.js";
import type { Wanted } from "./wanted.js";

/** A stream of a run, as a component sees it. */
export interface StreamOfRun<T> {
  readonly parts: T[];
  readonly closed: Closed | undefined;
  /** The index of the last chunk in `parts`; -1 before the first. */
  readonly lastIndex: number;
}

/** What a component sees of a run; a new object whenever something has changed. */
export interface RunSnapshot<T> {
  readonly streams: Record<string, StreamOfRun<T>>;
  readonly status: Status;
  readonly error: StreamError | undefined;
}

/** What servers answer that do not know how to follow a run. */
const MISSING = [404, 405];
const ALONE = "the server cannot follow a run: use useRealtimeStream for each stream";

export const NO_RUN: RunSnapshot<never> = { streams: {}, status: "connecting", error: undefined };

/** One stream: where it is read, and what was read of it. */
class Kept<T> {
  readonly cursor = new ReadCursor(0);
  chunks: Chunk<T>[] = [];
  closed: Closed | undefined;
  #superseded: Span[] = [];
  #shown: StreamOfRun<T> | undefined;

  /** Take in *item*; return what is new, or nothing when it must be asked for anew. */
  take(item: Item): Chunk<T>[] | undefined {
    const page = this.cursor.take(answerIn<T>(item, false), item.from);
    if (!page) return undefined;
    if (page.anew) this.chunks = [];
    const { superseded } = page;
    if (superseded !== this.#superseded) this.chunks = counting(this.chunks, superseded);
    this.#superseded = superseded;
    const fresh = counting(page.chunks, superseded);
    for (const chunk of fresh) this.chunks.push(chunk);
    const { closed, next_index: reached = 0 } = item.said;
    this.closed = closed && (this.cursor.next ?? 0) >= reached ? closed : undefined;
    this.#shown = undefined;
    return fresh;
  }

  /** What there is to show: the same object until something has changed. */
  get shown(): StreamOfRun<T> {
    const parts = this.#shown ? [] : this.chunks.map(({ data }) => data);
    const lastIndex = this.chunks.at(-1)?.index ?? -1;
    return (this.#shown ??= { parts, closed: this.closed, lastIndex });
  }
}

/** Holds what is read of all streams of a run, while somebody subscribes. */
export class RunStore<T> {
  onData: ((key: string, chunk: Chunk<T>) => void) | undefined;
  readonly #hub: () => RunHub;
  readonly #throttleInMs: number;
  readonly #timeoutInSeconds: number | undefined;
  readonly #listeners = new Set<() => void>();
  readonly #streams = new Map<string, Kept<T>>();
  #token: AccessToken | undefined;
  #leave: (() => void) | undefined;
  #joined: RunHub | undefined;
  #status: Status = "connecting";
  #error: StreamError | undefined;
  #snapshot: RunSnapshot<T> = NO_RUN;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #ticking: ReturnType<typeof setInterval> | undefined;
  #silence = 0;

  /**
   * Read by what *hub* returns; a snapshot is taken every *throttleInMs* at most. It ends after so
   * many seconds of silence; unless that is said, of which nobody has promised to be heard.
   */
  constructor(hub: () => RunHub, throttleInMs: number, timeoutInSeconds?: number) {
    this.#hub = hub;
    this.#throttleInMs = throttleInMs;
    this.#timeoutInSeconds = timeoutInSeconds;
  }

  /** What there is to show. */
  readonly snapshot = (): RunSnapshot<T> => this.#snapshot;

  /** Call *listener* when there is another snapshot, until the function that is returned is called. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    this.#begin();
    return () => {
      this.#listeners.delete(listener);
      if (!this.#listeners.size) this.#end();
    };
  };

  /** Ask with *token* from now on; go on with it, too, where the one before has failed. */
  renew(token: AccessToken | undefined): void {
    const isOther = typeof token === "string" && token !== this.#token;
    this.#token = token;
    if (isOther && this.#error && this.#listeners.size) this.#begin();
  }

  /** Stop reading, and keep what is there. */
  readonly stop = (): void => {
    this.#end();
    this.#tell("waiting");
  };

  #begin(): void {
    if (this.#leave || this.#status === "closed") return;
    const accessToken = () =>
      typeof this.#token === "function" ? this.#token() : (this.#token ?? "");
    this.#silence = 0;
    this.#ticking = setInterval(() => this.#tick(), TICK);
    this.#joined = this.#hub();
    this.#leave = this.#joined.join({
      accessToken,
      wanted: () => this.#wanted(),
      take: (items) => items.forEach((item) => this.#take(item)),
      tell: (status, error) => this.#tell(status, error),
    });
  }

  #end(): void {
    this.#leave?.();
    this.#leave = undefined;
    clearInterval(this.#ticking);
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** A second of silence has gone by, if it is one. */
  #tick(): void {
    const seconds = this.#timeoutInSeconds;
    const isWritten = [...this.#streams.values()].some(({ cursor }) => cursor.next);
    if (this.#status !== "live" || !(seconds || isWritten)) return;
    if (++this.#silence >= silenceOf(seconds)) this.#tell("silent");
  }

  #wanted(): Wanted {
    const cursors = [...this.#streams].map(([key, { cursor, closed }]) => [
      key,
      closed ? null : cursor.next,
    ]);
    return { streams: Object.fromEntries(cursors), all: true };
  }

  #take(item: Item): void {
    const { error, chunks, leased_until } = item.said;
    if (chunks?.length || (leased_until && !this.#timeoutInSeconds)) this.#silence = 0;
    if (!error && !chunks) return;
    const kept = this.#streams.get(item.key) ?? new Kept<T>();
    this.#streams.set(item.key, kept);
    if (error) kept.cursor.move(error);
    const fresh = error ? undefined : kept.take(item);
    if (!fresh) return this.#joined?.changed();
    for (const chunk of fresh) report(() => this.onData?.(item.key, chunk));
    this.#timer ??= setTimeout(() => this.#show(), this.#throttleInMs);
  }

  #tell(status: Status, error?: StreamError): void {
    this.#status = status;
    this.#error =
      error && MISSING.includes(error.status)
        ? new StreamError(ALONE, error.status, "cannot_follow_runs")
        : error;
    if (["closed", "failed", "silent"].includes(status)) this.#end();
    this.#show();
  }

  #show(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const streams = [...this.#streams].map(([key, kept]) => [key, kept.shown]);
    this.#snapshot = {
      streams: Object.fromEntries(streams),
      status: this.#status,
      error: this.#error,
    };
    this.#listeners.forEach((listener) => listener());
  }
}
