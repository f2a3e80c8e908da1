import { answerOf, pageOf, signOf, type Answer, type Sign } from "./answers.js";
import type { Chunk, Closed, Page, Span, Status } from "./chunk.js";
import { doubting } from "./doubting.js";
import { StreamError } from "./errors.js";
import { bodyOf, EventDecoder, type ServerEvent } from "./events.js";
import { FOREVER, isHidden, isOffline, onChange, pause, Stalled, within } from "./pausing.js";
import { ReadCursor } from "./readCursor.js";
import { hasBodies, polled } from "./polled.js";
import { Requests, type ServerOptions } from "./requests.js";
import { delay, isPassing } from "./retrying.js";
import { counting, lostFrom } from "./superseding.js";
import {
  FRUITLESS,
  GRACE,
  POLL_SECONDS,
  RETRIES,
  SILENCE_SECONDS,
  SILENCE_SECONDS_MAX,
  STALL,
  silenceOf,
} from "./timing.js";

/** How to read. */
export interface ReaderOptions<T = any> extends ServerOptions {
  /** The first index wanted, 0 unless given; a negative one counts back from the tail. */
  startIndex?: number;
  /** `tail`: only what comes from now on. */
  from?: "beginning" | "tail";
  /**
   * End after so many seconds without a chunk, 1 to 600. Unless given, silence is waited out as long as
   * a producer holds a lease, or nothing was ever written; without either 60 seconds of it are the end.
   */
  timeoutInSeconds?: number;
  /** How often in a row to try again, without any progress, before giving up; 12 unless given. */
  retries?: number;
  /** Read with event streams or by long polls only; unless given, by whichever works. */
  transport?: Transport;
  /** Make data of a chunk's JSON, as it was written; `JSON.parse` unless given, which rounds numbers. */
  parse?: (text: string) => T;
  /** Go on while the page is hidden. */
  readWhenHidden?: boolean;
  /** Is told each new status. */
  onStatus?: (status: Status) => void;
}

/** Event streams bring chunks the soonest; long polls get through anything. */
export type Transport = "events" | "poll";

/** An end that comes so much before its time, in seconds, is not believed. */
const EARLY_SECONDS = 0.5;
/** What the server puts into one page of a long poll at most. */
const PAGE_CHUNKS = 10_000;
const LOST = "chunks that were read no longer count, as others follow in their place";

/** The proxy holds the event stream back: this is what it should have brought by now. */
class HeldBack {
  constructor(readonly answer: Answer<any>) {}
}

/**
 * Reads a stream, live, from any index: each chunk once and in order, however often the connection
 * breaks. It is iterated over once, by chunks or by pages, and asks for nothing before that. What it
 * raises in the end is a `StreamError`.
 */
export class StreamReader<T = unknown> implements AsyncIterable<Chunk<T>> {
  /** How the stream has ended, once it is read to its end. */
  closed: Closed | undefined;
  /** Why it went no further. */
  error: StreamError | undefined;

  readonly #options: ReaderOptions<T>;
  readonly #requests: Requests;
  readonly #ended = new AbortController();
  #connected = new AbortController();
  #cursor: ReadCursor;
  #status: Status = "connecting";
  #transport: Transport;
  #eventsBase: string | undefined;
  /** Whether event streams may get through here, cut as they may be. */
  #mayStream: boolean;
  #isProven = false;
  /** Whether a cache in front gives pages to many, and what to ask it with next. */
  #isShared: boolean | undefined;
  #cacheCursor: number | undefined;
  #failures = 0;
  /** Failures since the transport in use brought anything. */
  #fruitless = 0;
  /** Seconds of silence so far, over all connections. */
  #silence = 0;
  /** A tail that was told of, 0 as long as nothing was ever written. */
  #written: number | undefined;
  /** Seconds without a chunk after which an event stream is to end, and those that have gone by. */
  #asked = 0;
  #quiet = 0;

  constructor(run: string, key: string, options: ReaderOptions<T> = {}) {
    this.#options = options;
    this.#requests = new Requests(run, key, options);
    this.#cursor = new ReadCursor(options.startIndex);
    this.#mayStream = hasBodies() && !polled.has(this.#requests.base);
    this.#transport = options.transport ?? (this.#mayStream ? "events" : "poll");
  }

  /** What it is about. */
  get status(): Status {
    return this.#status;
  }

  /** The index of the last chunk it brought; -1 before the first. */
  get lastIndex(): number {
    return this.#cursor.last?.index ?? -1;
  }

  /** The index it wants next; below 0 or undefined as long as it waits for the tail to tell. */
  get next(): number | undefined {
    return this.#cursor.next;
  }

  /** How it reads at the moment. */
  get transport(): Transport {
    return this.#transport;
  }

  /** End it: whoever iterates gets no more. The producer does not notice. */
  stop(): void {
    this.#ended.abort();
    this.#connected.abort();
  }

  /**
   * Iterate over the chunks that count. Raises `rolled_back` when some that it gave no longer do: who
   * drops those from `facts.index` on can go on with another reader from there.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<Chunk<T>, void, undefined> {
    let known: Span[] = [];
    let last = -1;
    for await (const { anew, chunks, superseded } of this.pages()) {
      if (anew) last = -1; // what was given is another stream's
      const index = lostFrom(superseded, known, last);
      if (index !== undefined) throw this.#end(new StreamError(LOST, 0, "rolled_back", { index }));
      known = superseded;
      for (const chunk of counting(chunks, superseded)) {
        last = chunk.index;
        yield chunk;
      }
    }
  }

  /** Iterate over chunks as they come together, and be told which ones no longer count. */
  async *pages(): AsyncGenerator<Page<T>, void, undefined> {
    onChange(() => this.#wake(), this.#ended.signal);
    try {
      while (!this.#isDone()) for await (const page of this.#readOn()) yield this.#parsed(page);
    } finally {
      this.stop();
      if (!this.closed && !this.error) this.#say(this.#left() > 0 ? "waiting" : "silent");
    }
  }

  /** Return *page* with what the caller makes of its chunks' texts. Raises what he raises, as ours. */
  #parsed(page: Page<any>): Page<T> {
    const { parse } = this.#options;
    if (!parse) return page;
    try {
      const chunks = page.chunks.map((chunk) => ({ ...chunk, data: parse(chunk.data) }));
      return { ...page, chunks };
    } catch (error) {
      throw this.#end(StreamError.of(error, "unreadable"));
    }
  }

  #isDone(): boolean {
    return this.#ended.signal.aborted || this.closed !== undefined;
  }

  /** Read over one connection, until it ends or breaks; then the next one may follow. */
  async *#readOn(): AsyncGenerator<Page<T>, void, undefined> {
    await this.#untilShown();
    const connected = (this.#connected = new AbortController());
    if (this.#ended.signal.aborted) return;
    try {
      await this.#resolveStart();
      if (this.#transport === "poll") yield* this.#poll();
      else yield* this.#follow();
    } catch (error) {
      // What was broken off on purpose is no failure.
      if (!connected.signal.aborted) await this.#fail(error);
    } finally {
      connected.abort();
    }
  }

  /** Turn `from` and a negative start into an index, once: later the tail would be another one. */
  async #resolveStart(): Promise<void> {
    const { next } = this.#cursor;
    if (next === undefined ? this.#options.from !== "tail" : next >= 0) return;
    const { tail } = await this.#ask("tail", 0);
    this.#cursor.next = Math.max(0, tail + (next ?? 0));
  }

  async *#poll(): AsyncGenerator<Page<T>, void, undefined> {
    for (let isFirst = true; !this.#isDone(); isFirst = false) {
      const begun = performance.now();
      const wait = isFirst ? 0 : Math.min(POLL_SECONDS, this.#patience());
      const answer = await this.#inSilence(wait, this.#ask(this.#cursor.next, wait));
      const page = this.#take(answer);
      if (page.chunks.length) yield page;
      else if (wait) await this.#wasSilent(begun);
      this.#noteEnd(answer);
    }
  }

  /** A poll has been waited for: for a second at least, also when a server that shuts down does not. */
  async #wasSilent(begun: number): Promise<void> {
    this.#failures = this.#fruitless = 0;
    const left = begun + 1000 - performance.now();
    if (left > 0) await this.#inSilence(1, pause(left, this.#connected.signal));
  }

  /** Wait for *promise*; so long was silence, but no longer than *most* seconds: a machine may sleep. */
  async #inSilence<V>(most: number, promise: Promise<V>): Promise<V> {
    const begun = performance.now();
    try {
      return await promise;
    } finally {
      const seconds = Math.min(most, (performance.now() - begun) / 1000);
      this.#silence += seconds;
      this.#quiet += seconds;
    }
  }

  /** Seconds of silence that are left until it has lasted. */
  #left(): number {
    return silenceOf(this.#options.timeoutInSeconds) - this.#silence;
  }

  /** It is no silence, unless a time is named, where a producer is leased or nothing was ever written. */
  #hear({ tail, leased_until }: Sign): void {
    this.#written ||= tail;
    if (this.#options.timeoutInSeconds) return;
    if (leased_until || this.#written === 0) this.#silence = 0;
  }

  /** Whole seconds to ask for, so that silence ends in time. */
  #patience(): number {
    return Math.max(1, Math.ceil(this.#left()));
  }

  #noteEnd({ closed }: Answer<T>): void {
    if (closed) {
      this.closed = closed;
      this.#say("closed");
    } else if (this.#left() <= 0) {
      this.stop();
    }
  }

  /** Ask for a page, and again from the oldest chunk that is left when those before have expired. */
  async #ask(start: number | string | undefined, wait: number, tries = 3): Promise<Answer<T>> {
    const init = { headers: { Accept: "application/json" }, signal: this.#connected.signal };
    // Others ask for the same, so it has nothing of this reader in it.
    const isShared = this.#isShared && wait === POLL_SECONDS;
    const fields = isShared
      ? { generation: this.#cursor.generation, start, cursor: this.#cacheCursor }
      : { wait, limit: PAGE_CHUNKS, start };
    // What is undefined is left out of JSON.
    const query = `?${new URLSearchParams(JSON.parse(JSON.stringify(fields)))}`;
    try {
      const asking = this.#requests
        .read(query, init, undefined, isShared ? "pages" : "streams")
        .then((response) => response.text());
      const answer = pageOf<T>(await within(wait + GRACE, asking), !!this.#options.parse);
      this.#isShared ||= answer.shared;
      this.#cacheCursor = answer.cursor;
      this.#hear(answer);
      return answer;
    } catch (error) {
      const { code, facts } = error as Partial<StreamError>;
      if (code === "index_beyond_tail") return { chunks: [], tail: facts!.tail as number };
      // The page of another stream of its name: what was read is gone, and the cursor begins anew.
      if (isShared && code === "index_expired" && !facts!.first_index)
        return { chunks: [], tail: 0 };
      if (code !== "index_expired" || tries === 1) throw error;
      return this.#ask((this.#cursor.next = facts!.first_index as number), wait, tries - 1);
    }
  }

  async *#follow(): AsyncGenerator<Page<T>, void, undefined> {
    try {
      yield* this.#followEvents(await this.#openEvents());
    } catch (error) {
      if (this.#options.transport || !this.#isNoStream(error)) throw error;
      if (this.#isElsewhere(error)) return;
      this.#mayStream = false;
      this.#transport = "poll";
      if (!(error instanceof Stalled)) polled.add(this.#requests.base);
      if (!(error instanceof HeldBack)) return;
      const page = this.#take(error.answer);
      if (page.chunks.length) yield page;
    }
  }

  async *#followEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<Page<T>, void, undefined> {
    const reader = body.getReader();
    const text = new TextDecoder();
    const decoder = new EventDecoder();
    for (;;) {
      const { done, value } = await this.#patiently(reader.read());
      if (done) throw new StreamError("the connection ended early", 0, "broken");
      for (const event of decoder.decode(text.decode(value, { stream: true }))) {
        if (this.#isDone()) return;
        if (event.data === "[DONE]") return yield* this.#finish();
        if (event.name === "error") throw new StreamError("the server broke off", 0, "broken");
        if (event.name === "ping") {
          this.#isProven = true;
          this.#hear(signOf(event));
        }
        yield* this.#takeEvent(event);
      }
      if (this.#left() <= 0) return yield* this.#finish();
    }
  }

  async *#takeEvent(event: ServerEvent): AsyncGenerator<Page<T>, void, undefined> {
    const answer = answerOf<T>(event, !!this.#options.parse);
    if (!answer) return;
    // Chunks have expired, or something in between has answered what another one asked.
    if (this.#cursor.misses(answer)) yield* this.#catchUp();
    const page = this.#take(answer);
    if (page.chunks.length) yield page;
  }

  async *#catchUp(): AsyncGenerator<Page<T>, Answer<T>, undefined> {
    const answer = await this.#ask(this.#cursor.next, 0);
    const page = this.#take(answer);
    if (page.chunks.length) yield page;
    return answer;
  }

  /** The event stream says that it is over: as the stream is closed, by silence, or for no reason. */
  async *#finish(): AsyncGenerator<Page<T>, void, undefined> {
    const isEarly = Math.min(this.#asked - this.#quiet, this.#left()) > EARLY_SECONDS;
    if (!isEarly) this.#silence = Infinity;
    this.#noteEnd(yield* this.#catchUp());
    if (isEarly && !this.#isDone()) throw new StreamError("the end came early", 0, "broken");
  }

  async #openEvents(): Promise<ReadableStream<Uint8Array>> {
    const { next } = this.#cursor;
    // Unless a time is named, the stream may be leased, or begin to be.
    this.#asked = this.#options.timeoutInSeconds ? this.#patience() : SILENCE_SECONDS_MAX;
    this.#quiet = 0;
    // Where pages are shared, whoever takes them as well is led to them.
    const headers: Record<string, string> = {
      Accept: `text/event-stream${this.#options.transport ? "" : ", application/json"}`,
    };
    if (next) headers["Last-Event-ID"] = `${next - 1}`;
    if (this.#asked !== SILENCE_SECONDS) headers["Timeout-Seconds"] = `${this.#asked}`;
    const init = { headers, signal: this.#connected.signal };
    const response = await this.#patiently(this.#requests.read("", init, this.#eventsBase));
    const body = bodyOf(response);
    this.#say("live");
    return body;
  }

  /** Wait for news of an event stream. Raises `HeldBack`, `Stalled`. */
  #patiently<V>(promise: Promise<V>): Promise<V> {
    const isTrusted = this.#isProven || this.#options.transport;
    const news = isTrusted
      ? within(STALL, promise)
      : doubting(
          promise,
          () => this.#lookBehind(),
          () => (this.#isProven = true),
        );
    return this.#inSilence(STALL, news);
  }

  /** Ask for what the event stream should have brought; return it, if there is something. */
  async #lookBehind(): Promise<HeldBack | undefined> {
    const answer = (await this.#ask(this.#cursor.next, 0).catch(() => undefined)) as Answer<any>;
    if (answer?.chunks.length) return new HeldBack(answer);
  }

  /** Say whether event streams do not get through here. */
  #isNoStream(error: unknown): boolean {
    if (error instanceof Stalled) return !this.#isProven;
    const { status } = error as Partial<StreamError>;
    return error instanceof HeldBack || status === 406 || status === 422;
  }

  /** Note where event streams are, if the server says so the first time. */
  #isElsewhere(error: unknown): boolean {
    const url = (error as Partial<StreamError>).facts?.url;
    if (typeof url !== "string" || this.#eventsBase) return false;
    this.#eventsBase = url.replace(/\/+$/, "");
    return true;
  }

  /** Return what is new in *answer*. Only chunks are progress: a sign of life is soon given. */
  #take(answer: Answer<T>): Page<T> {
    const page = this.#cursor.take(answer);
    if (!page) throw new StreamError("the stream does not go on where it was", 0, "out_of_place");
    if (page.chunks.length) {
      this.#silence = this.#quiet = this.#failures = this.#fruitless = 0;
    }
    this.#say("live");
    return page;
  }

  /** Wait for the next try. Raises what cannot pass, or has not passed for too long. */
  async #fail(error: unknown): Promise<void> {
    const { retries = RETRIES } = this.#options;
    if (!isOffline()) {
      this.#failures += 1;
      this.#fruitless += 1;
    }
    if (!isPassing(error) || this.#failures > retries) throw this.#end(StreamError.of(error));
    if (this.#fruitless === FRUITLESS) this.#turn();
    this.#say("retrying");
    const attempt = Math.max(1, this.#failures);
    this.#connected = new AbortController();
    await pause(delay(attempt, Math.random(), error), this.#connected.signal);
  }

  /** Read the other way: something lets this one break, again and again. */
  #turn(): void {
    this.#fruitless = 0;
    this.#isProven = false;
    if (this.#options.transport) return;
    this.#transport = this.#transport === "poll" && this.#mayStream ? "events" : "poll";
  }

  #end(error: StreamError): StreamError {
    this.error = error;
    this.#say("failed");
    return error;
  }

  /** The page was shown or hidden, or the network is back: what is open may be of no use. */
  #wake(): void {
    if (isHidden() && this.#options.readWhenHidden) return;
    this.#connected.abort();
  }

  async #untilShown(): Promise<void> {
    while (isHidden() && !this.#options.readWhenHidden && !this.#ended.signal.aborted) {
      this.#say("waiting");
      this.#connected = new AbortController();
      await pause(FOREVER, this.#connected.signal);
    }
  }

  #say(status: Status): void {
    if (status === this.#status) return;
    this.#status = status;
    this.#options.onStatus?.(status);
  }
}
