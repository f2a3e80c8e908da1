import type { Closed } from "./chunk.js";
import { StreamError } from "./errors.js";
import { Halves, lineOf } from "./halves.js";
import { isOffline, pause, within } from "./pausing.js";
import { Requests, type ServerOptions } from "./requests.js";
import { delay, isPassing } from "./retrying.js";
import { iterate, type Source } from "./sources.js";
import { RETRIES } from "./timing.js";

/** How to write. */
export interface WriterOptions extends ServerOptions {
  /**
   * Chunks are gathered for so long before they are sent; as the server advises unless given, and 100
   * unless it does, or three times what an append takes where that is less. The first is not.
   */
  lingerInMs?: number;
  /** How often in a row to try again before giving up; 12 unless given. */
  retries?: number;
  /**
   * Readers are told when nothing was heard of this writer for so many seconds, 1 to 3600, as its
   * process has died; 60 unless given, and 0 for never. What is silent is heard of all the same.
   */
  leaseInSeconds?: number;
}

/** How long chunks are gathered where nobody has a word on it, and how many times an append at most. */
const LINGER_MS = 100;
const ROUND_TRIPS = 3;

const BATCH_CHUNKS = 1000;
const BATCH_LENGTH = 256 * 1024;
/** Characters that may wait to be sent before a writer is asked to wait. */
const BUFFER_LENGTH = 4 * 1024 * 1024;
/** Ticks after which a request is taken for dead. */
const SEND_TICKS = 30;

/** How long the first promise waits for a chunk that it can travel with, in milliseconds. */
const FIRST_MS = 1000;
/** Longest time until a promise that did not get through is made again. */
const AGAIN_MS = 5000;

interface Receipt {
  last_index: number | null;
  stop: boolean;
  leased_until?: number | null;
  fence?: number | null;
}

const NEVER = new AbortController().signal;

/**
 * Writes to a stream, in small batches. Each chunk is stored once and in the order written: a batch
 * whose answer was lost is sent again, under the same number, and recognised. From its first chunk,
 * or the beginning of `pipe`, until `close`, `release` or the end of `pipe` it holds a lease.
 */
export class StreamWriter<T = unknown> {
  /** Whether somebody has asked the producer to stop. */
  isStopped = false;
  /** The index of the last chunk that is known to be stored; -1 before the first. */
  lastIndex = -1;

  readonly #options: WriterOptions;
  readonly #requests: Requests;
  readonly #client = clientId();
  readonly #halves = new Halves();
  #lines: string[] = [];
  #length = 0;
  /** This writer's own number of the first line. */
  #first = 0;
  #sending: Promise<void> | undefined;
  #sentAt = -Infinity;
  /** What the latest append took, once the second has arrived. */
  #tookInMs = 0;
  #advisedInMs: number | undefined;
  /** What ends a pause for more chunks, and the number of its own up to which none is made. */
  #hurry: AbortController | undefined;
  #urgent = 0;
  /** Aborts when there is no use in more chunks: readers have asked to stop, or sending has failed. */
  readonly #enough = new AbortController();
  #error: unknown;
  #isClosed = false;
  #room: (() => void)[] = [];
  /** Who waits until so many chunks of its own are stored, in this order. */
  readonly #drains: [count: number, resolve: () => void][] = [];
  /** How often the stream had been taken over when this writer began; unknown until it is answered. */
  #fence: number | undefined;
  #tookOver = false;
  /** Its chunks that supersede others, by its own numbers, and from which index on. */
  readonly #supersedes = new Map<number, number>();
  readonly #lease: number;
  /** Whether the server knows of the lease, and whether it may. */
  #isLeased = false;
  #mayBeLeased = false;
  #renewal: ReturnType<typeof setTimeout> | undefined;
  #renewing: Promise<void> | undefined;

  constructor(run: string, key: string, options: WriterOptions = {}) {
    this.#options = options;
    this.#lease = options.leaseInSeconds ?? 60;
    this.#requests = new Requests(run, key, options);
  }

  /**
   * Take the stream over, as a worker does that is started again: who wrote before writes no more. Return
   * the index that comes next: what is before it is stored. Raises what keeps it from that.
   */
  async takeOver(): Promise<number> {
    this.#check();
    const headers: Record<string, string> = { "X-Client-Id": this.#client };
    if (this.#lease) headers["X-Lease-Seconds"] = `${this.#lease}`;
    const { fence, tail } = await this.#insist<{ fence: number; tail: number }>(async (signal) =>
      (await this.#post("/take-over", "", headers, signal)).json(),
    );
    this.#fence = fence;
    this.#tookOver = true;
    this.#isLeased = this.#mayBeLeased = !!this.#lease;
    this.#renewIn(Infinity);
    return tail;
  }

  /**
   * Let the stream's chunks from *index* on no longer count, up to the next one that is written here: that
   * takes it along, and without one all stay. Readers leave them out, and take back those they have shown.
   * Raises `invalid_index`.
   */
  supersede(index: number): void {
    if (!Number.isSafeInteger(index) || index < 0) {
      const message = `chunks are superseded from an index from 0 on, not ${index}`;
      throw new StreamError(message, 0, "invalid_index");
    }
    this.#check();
    this.#settle();
    const number = this.#first + this.#lines.length;
    this.#supersedes.set(number, Math.min(index, this.#supersedes.get(number) ?? index));
  }

  /**
   * Take a chunk, to be sent in its turn. What is returned resolves at once, unless so much waits to
   * be sent that it is better to wait. Half a letter at the end of a text goes to the beginning of the
   * next one. Raises what made an earlier chunk fail.
   */
  write(chunk: T): Promise<void> {
    this.#check();
    this.#put(this.#halves.join(chunk));
    if (this.#length <= BUFFER_LENGTH) return Promise.resolve();
    return new Promise((resolve) => this.#room.push(resolve));
  }

  /** Write a chunk by itself, to which no half of a letter is joined, and wait until it is stored. Raises likewise. */
  async append(chunk: T): Promise<void> {
    this.#check();
    this.#settle();
    this.#put(chunk);
    await this.drain();
  }

  /** Wait until all that was written until now is stored. Raises what made it fail. */
  async drain(): Promise<void> {
    const count = (this.#urgent = this.#first + this.#lines.length);
    this.#hurry?.abort();
    if (this.#sending && this.#first < count)
      await new Promise<void>((resolve) => this.#drains.push([count, resolve]));
    if (this.#error) throw this.#error;
  }

  /**
   * Write what comes from *source*, until it ends or *signal* aborts, and wait until it is stored.
   * When the producer is asked to stop, the source is ended and the stream closed as canceled. When
   * the source fails, so does this, once what came before is stored, and the stream is closed as failed,
   * unless it is to be kept open, as for another try, or *signal* has aborted. Raises what made sending fail.
   */
  async pipe(source: Source<T>, signal?: AbortSignal, keepOpen = false): Promise<void> {
    if (!this.#isLeased) this.#renewIn(FIRST_MS);
    try {
      for await (const chunk of iterate(source, signal, this.#enough.signal)) {
        await this.write(chunk);
      }
    } catch (error) {
      await this.#stored();
      if (keepOpen || signal?.aborted) await this.#letGo();
      // That it cannot be closed is the lesser evil.
      else await this.close("failed", reasonOf(error)).catch(() => {});
      throw error;
    }
    if (this.isStopped) await this.close("canceled");
    else await this.release();
  }

  /**
   * Leave the stream open for others, once all that was written is stored. Raises what made it fail, and
   * `fenced_off` when another writer has taken the stream over.
   */
  async release(): Promise<void> {
    await this.#stored();
    await this.#letGo();
  }

  /** Close the stream, once all that was written is stored. Raises what keeps it from that. */
  async close(status: Closed["status"] = "completed", error: string | null = null): Promise<void> {
    this.#isClosed = true;
    await this.#stored();
    clearTimeout(this.#renewal);
    const body = lineOf({ status, error })!;
    await this.#insist(async (signal) =>
      (await this.#post("/close", body, this.#fencing(), signal)).json(),
    );
  }

  #check(): void {
    if (this.#error) throw this.#error;
    if (this.#isClosed) throw new TypeError("the writer is closed");
  }

  #put(chunk: unknown): void {
    const line = lineOf(chunk);
    if (line === undefined) throw new TypeError("a chunk must be a JSON value");
    this.#add(line);
  }

  #add(line: string): void {
    this.#lines.push(line);
    this.#length += line.length + 1;
    this.#sending ??= this.#send();
  }

  #stored(): Promise<void> {
    this.#settle();
    return this.drain();
  }

  #fail(error: unknown): void {
    this.#error ??= error;
    this.#enough.abort();
  }

  /** No text follows: what waits for its other half has none. */
  #settle(): void {
    const rest = this.#halves.rest();
    if (rest && !this.#error) this.#add(lineOf(rest)!);
  }

  async #send(): Promise<void> {
    // What is written in one go is sent in one go.
    await Promise.resolve();
    try {
      while (this.#lines.length) {
        await this.#linger();
        await this.#sendBatch(this.#batch());
      }
    } catch (error) {
      this.#fail(error);
    }
    this.#sending = undefined;
    this.#wake();
  }

  async #linger(): Promise<void> {
    const quick = Math.min(LINGER_MS, ROUND_TRIPS * this.#tookInMs);
    const { lingerInMs = this.#advisedInMs ?? quick } = this.#options;
    const left = this.#sentAt + lingerInMs - performance.now();
    if (left > 0 && this.#length < BATCH_LENGTH && this.#urgent <= this.#first) {
      this.#hurry = new AbortController();
      await pause(left, this.#hurry.signal);
    }
    this.#sentAt = performance.now();
  }

  #batch(): string[] {
    let count = 0;
    for (let length = 0; count < Math.min(this.#lines.length, BATCH_CHUNKS); count += 1) {
      length += this.#lines[count]!.length + 1;
      if (count && (length > BATCH_LENGTH || this.#supersedes.has(this.#first + count))) break;
    }
    return this.#lines.slice(0, count);
  }

  async #sendBatch(batch: string[]): Promise<void> {
    const body = batch.join("\n") + "\n";
    const from = this.#supersedes.get(this.#first);
    const more = from === undefined ? {} : { "X-Stream-Supersedes": `${from}` };
    await this.#insist((signal) =>
      this.#append(body, (!this.#isLeased && this.#lease) || false, signal, more),
    );
    // The first one has opened the connection and the stream: it tells nothing of those to come.
    if (this.#first) this.#tookInMs = performance.now() - this.#sentAt;
    this.#supersedes.delete(this.#first);
    this.#lines.splice(0, batch.length);
    this.#first += batch.length;
    this.#length -= body.length;
    this.#wake();
  }

  /** Post lines, which may be none, with a promise of so many seconds, unless that is false. */
  async #append(
    body: string,
    lease: number | false,
    signal: AbortSignal,
    more: object = {},
  ): Promise<void> {
    const headers: Record<string, string> = {
      Accept: "application/json",
      "X-Client-Id": this.#client,
      "X-Resume-From-Chunk": `${this.#first}`,
      ...this.#fencing(),
      ...more,
    };
    if (lease !== false) headers["X-Lease-Seconds"] = `${lease}`;
    this.#mayBeLeased ||= !!lease;
    const response = await this.#post("", body, headers, signal);
    const answer = (await response.json()) as Receipt;
    this.#fence ??= answer.fence ?? 0;
    this.#advisedInMs = advised(response);
    this.isStopped ||= answer.stop;
    if (this.isStopped) this.#enough.abort();
    this.lastIndex = answer.last_index ?? this.lastIndex;
    this.#isLeased = this.#mayBeLeased = !!this.#lease && lease !== 0 && !!answer.leased_until;
    if (lease !== 0) this.#renewIn(Infinity);
  }

  /** So nothing is taken of this writer once another one has taken the stream over. */
  #fencing(): Record<string, string> {
    return this.#fence === undefined ? {} : { "X-Stream-Fence": `${this.#fence}` };
  }

  /** Promise in so many milliseconds, or a third of the lease if that is sooner. It keeps no program alive. */
  #renewIn(ms: number): void {
    clearTimeout(this.#renewal);
    if (!this.#lease || this.#isClosed) return;
    // One that is dropped without an end is not kept alive by its promises.
    const self = new WeakRef(this);
    const renew = () => {
      const writer = self.deref();
      if (writer) writer.#renew();
    };
    this.#renewal = setTimeout(renew, Math.min(ms, (this.#lease * 1000) / 3));
    (this.#renewal as { unref?: () => void }).unref?.();
  }

  #renew(): void {
    if (!this.#sending && !this.#error && !this.#isClosed) this.#renewing = this.#hold();
  }

  /** Promise in silence. What may pass is no reason to give up while there is nothing to send. */
  async #hold(): Promise<void> {
    const trying = new AbortController();
    try {
      await within(SEND_TICKS, this.#append("", this.#lease, trying.signal));
    } catch (error) {
      trying.abort();
      if (isPassing(error)) this.#renewIn(AGAIN_MS);
      else this.#fail(error);
    }
  }

  /**
   * Nobody is to be missed any more. That this cannot be said is no failure of what was written; but that
   * another one goes on with the stream must be known, before somebody completes its run.
   */
  async #letGo(): Promise<void> {
    clearTimeout(this.#renewal);
    await this.#renewing;
    clearTimeout(this.#renewal);
    if (!this.#mayBeLeased && !this.#tookOver) return;
    try {
      await this.#insist((signal) => this.#append("", 0, signal));
    } catch (error) {
      if ((error as StreamError).code === "fenced_off") throw error;
    }
  }

  /** Let those go on who wait for room, or for what is stored by now; all, where nothing is sent any more. */
  #wake(): void {
    if (!this.#sending || this.#length <= BUFFER_LENGTH)
      for (const resolve of this.#room.splice(0)) resolve();
    const left = this.#drains.findIndex(([count]) => this.#sending && count > this.#first);
    for (const [, resolve] of this.#drains.splice(0, left < 0 ? Infinity : left)) resolve();
  }

  #post(call: string, body: string, more: object, signal: AbortSignal): Promise<Response> {
    const headers = { "Content-Type": "application/json", ...more };
    return this.#requests.write(call, { method: "POST", body, headers, signal });
  }

  /** Do it until it has worked. Raises what cannot pass, or has not passed for too long. */
  async #insist<V>(attempt: (signal: AbortSignal) => Promise<V>): Promise<V> {
    const { retries = RETRIES } = this.#options;
    for (let failures = 0; ;) {
      const trying = new AbortController();
      try {
        return await within(SEND_TICKS, attempt(trying.signal));
      } catch (error) {
        trying.abort();
        if (!isOffline()) failures += 1;
        if (!isPassing(error) || failures > retries) throw StreamError.of(error);
        await pause(delay(Math.max(1, failures), Math.random(), error), NEVER);
      }
    }
  }
}

/** For how long the server would have chunks gathered; one that says more than 10 s is not believed. */
function advised(response: Response): number | undefined {
  const text = response.headers.get("X-Stream-Linger-Ms") ?? "";
  return /^\d+$/.test(text) ? Math.min(Number(text), 10_000) : undefined;
}

/** Text that the stream is closed with; a long one is cut, as the server takes 4 KiB. */
function reasonOf(error: unknown): string {
  return String(error).slice(0, 1000);
}

function clientId(): string {
  const bytes = Uint8Array.from({ length: 12 }, () => Math.random() * 256);
  // Node 18 and React Native have nothing better.
  globalThis.crypto?.getRandomValues(bytes);
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
