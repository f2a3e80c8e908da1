import { pageOf } from "./answers.js";
import type { Closed, Page, Status } from "./chunk.js";
import { StreamError } from "./errors.js";
import { answerIn, type Item } from "./items.js";
import { TICK } from "./pausing.js";
import { ReadCursor } from "./readCursor.js";
import { Requests } from "./requests.js";
import type { RunHub } from "./runHub.js";
import { StreamReader, type ReaderOptions } from "./streamReader.js";
import { silenceOf } from "./timing.js";
import type { Wanted } from "./wanted.js";

/** What a store reads with. */
export type Reader<T> = Pick<
  StreamReader<T>,
  "closed" | "error" | "status" | "next" | "pages" | "stop"
>;

const TAIL = "?wait=0&limit=1&start=tail";

/** Failures before the first success that are put down to the network. */
const TRIES = 1;

/** Whether servers, by address, can send several streams over one connection, once that is known. */
const sharing = new Map<string, boolean>();

/** Say whether streams of the server at *base* may be read together. */
export const mayShare = (base = "") => sharing.get(base) !== false;

/**
 * Reads a stream over the connection that others share. Where the server refuses that, it goes on
 * alone, from where it is.
 */
export class SharedReader<T> implements Reader<T> {
  closed: Closed | undefined;
  error: StreamError | undefined;

  readonly #hub: RunHub;
  readonly #run: string;
  readonly #key: string;
  readonly #options: ReaderOptions<T>;
  readonly #cursor: ReadCursor;
  #status: Status = "connecting";
  #pages: Page<T>[] = [];
  #ending: Closed | undefined;
  #isStopped = false;
  #isAlone = false;
  /** How often reading together has failed, where it has never worked. */
  #tries = 0;
  #alone: StreamReader<T> | undefined;
  #silence = 0;
  #isExpected = true;
  #wake = () => {};

  constructor(hub: RunHub, run: string, key: string, options: ReaderOptions<T>) {
    this.#hub = hub;
    this.#run = run;
    this.#key = key;
    this.#options = options;
    // What comes first may be what others wait for.
    this.#cursor = new ReadCursor(options.startIndex ?? (options.from === "tail" ? undefined : 0));
  }

  /** The index it wants next; below 0 or undefined as long as it waits for the tail to tell. */
  get next(): number | undefined {
    return (this.#alone ?? this.#cursor).next;
  }

  get status(): Status {
    return this.#alone?.status ?? this.#status;
  }

  stop(): void {
    this.#isStopped = true;
    this.#alone?.stop();
    this.#wake();
  }

  async *pages(): AsyncGenerator<Page<T>, void, undefined> {
    await this.#resolveStart();
    const leave = this.#hub.join({
      accessToken: this.#options.accessToken,
      wanted: () => this.#wanted(),
      take: (items) => this.#receive(items),
      tell: (status, error) => this.#hear(status, error),
    });
    const ticking = setInterval(() => this.#tick(), TICK);
    try {
      for (;;) {
        const page = this.#pages.shift();
        if (page) yield page;
        else if (this.#isDone()) break;
        else await new Promise<void>((resolve) => (this.#wake = resolve));
      }
      this.closed = this.#ending;
      if (this.closed) this.#say("closed");
    } finally {
      clearInterval(ticking);
      this.#isStopped ||= !this.#isAlone;
      leave();
      const isOpen = this.#status !== "closed" && !this.error && this.#isStopped;
      if (isOpen) this.#say(this.#left() > 0 ? "waiting" : "silent");
    }
    if (this.error) throw this.error;
    if (!this.#isStopped) yield* this.#readAlone();
  }

  /** Turn `from` and a negative start into an index. Who cannot, reads alone: that tells why. */
  async #resolveStart(): Promise<void> {
    const { next } = this.#cursor;
    if (next! >= 0) return;
    try {
      const requests = new Requests(this.#run, this.#key, this.#options);
      const { tail } = pageOf(await (await requests.read(TAIL, {})).text());
      this.#cursor.next = Math.max(0, tail + (next ?? 0));
    } catch {
      this.#isAlone = true;
    }
  }

  #isDone(): boolean {
    return this.#isStopped || this.#isAlone || !!this.error || !!this.#ending;
  }

  #wanted(): Wanted {
    const streams = this.#isDone() ? {} : { [this.#key]: this.#cursor.next ?? 0 };
    return { streams, all: false };
  }

  #receive(items: Item[]): void {
    for (const item of items) {
      // A poll has one sign of life for all that it reads.
      if ((item.key ?? this.#key) === this.#key && !this.#isDone()) this.#take(item);
    }
    this.#wake();
  }

  #hear(status: Status, error?: StreamError): void {
    if (this.#isDone() || status === "closed") return;
    const { baseURL = "" } = this.#options;
    if (error && error.status >= 400 && error.status < 500) {
      if (![401, 403].includes(error.status)) sharing.set(baseURL, false);
      this.#isAlone = true;
    } else if (error) {
      this.#fail(error);
    } else {
      if (status === "live") sharing.set(baseURL, true);
      if (status === "retrying" && !sharing.get(baseURL))
        this.#isAlone = (this.#tries += 1) > TRIES;
      this.#say(status);
    }
    this.#wake();
  }

  /** Take in at once where *item* leads: whoever asks meanwhile is told so. */
  #take(item: Item): void {
    const { error, chunks, closed, next_index: reached = 0, leased_until } = item.said;
    if (error) {
      this.#cursor.move(error);
      return this.#hub.changed();
    }
    this.#isExpected = !(item.said.tail ?? this.#cursor.next) || !!leased_until;
    if (!chunks) return;
    const page = this.#cursor.take(answerIn<any>(item, !!this.#options.parse), item.from);
    if (!page) return this.#hub.changed(); // asked for again, from where this reader is
    if (page.chunks.length) this.#keep(page);
    if (closed && (this.#cursor.next ?? 0) >= reached) this.#ending = closed;
  }

  #keep(page: Page<any>): void {
    const { parse } = this.#options;
    this.#silence = 0;
    try {
      const made = page.chunks.map((chunk) =>
        parse ? { ...chunk, data: parse(chunk.data) } : chunk,
      );
      this.#pages.push({ ...page, chunks: made });
    } catch (error) {
      this.#fail(StreamError.of(error, "unreadable"));
    }
  }

  #fail(error: StreamError): void {
    this.error = error;
    this.#say("failed");
  }

  /** A second of silence has gone by, if it is one, as a reader alone takes it. */
  #tick(): void {
    if (this.#status !== "live") return;
    this.#silence = !this.#options.timeoutInSeconds && this.#isExpected ? 0 : this.#silence + 1;
    if (this.#left() <= 0) this.stop();
  }

  /** Seconds of silence that are left until it has lasted. */
  #left(): number {
    return silenceOf(this.#options.timeoutInSeconds) - this.#silence;
  }

  async *#readAlone(): AsyncGenerator<Page<T>, void, undefined> {
    const { next } = this.#cursor;
    const there = next! >= 0 ? { startIndex: next, from: undefined } : {};
    const alone = new StreamReader<T>(this.#run, this.#key, { ...this.#options, ...there });
    this.#alone = alone;
    try {
      yield* alone.pages();
    } finally {
      this.closed = alone.closed;
      this.error = alone.error;
    }
  }

  #say(status: Status): void {
    if (status === this.#status) return;
    this.#status = status;
    this.#options.onStatus?.(status);
  }
}
