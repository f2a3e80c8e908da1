import type { Status } from "./chunk.js";
import { doubting } from "./doubting.js";
import { StreamError } from "./errors.js";
import { bodyOf, EventDecoder } from "./events.js";
import { itemOf, itemsOf, type Item } from "./items.js";
import { FOREVER, isOffline, onChange, pause, Stalled, within } from "./pausing.js";
import { hasBodies, polled } from "./polled.js";
import { Requests, type ServerOptions } from "./requests.js";
import { delay, isPassing } from "./retrying.js";
import type { Slots } from "./slots.js";
import { FRUITLESS, GRACE, POLL_SECONDS, RETRIES, SILENCE_SECONDS_MAX, STALL } from "./timing.js";
import { isNothing, type Wanted } from "./wanted.js";

/** Who hears what a connection brings. */
export interface Listener {
  onItems: (items: Item[]) => void;
  onStatus: (status: Status, error?: StreamError) => void;
}

/** Those who want something else together are served together. */
const GATHER_MS = 20;
/** How often is looked, for a moment each, where no connection may be kept. */
const GLANCE_MS = 1000;
/** Errors of one stream that its reader knows how to go on after: it asks elsewhere. */
const MOVED = ["index_expired", "index_beyond_tail"];

interface Position {
  next: number;
  isOver: boolean;
}

/**
 * Reads several streams of a run over one connection at a time, and again from where it is when what
 * is wanted changes or the connection breaks. It keeps the place of no reader: each drops what it has.
 */
export class RunConnection {
  readonly #requests: Requests;
  readonly #wanted: () => Wanted;
  readonly #listener: Listener;
  readonly #slots: Slots;
  readonly #ended = new AbortController();
  #connected = new AbortController();
  /** Where each stream of the connection is. */
  #at = new Map<string, Position>();
  #isAll = false;
  #eventsBase: string | undefined;
  #mayStream: boolean;
  #isProven = false;
  #failures = 0;
  #fruitless = 0;

  /** Read what *wanted* returns, as it is whenever it connects. */
  constructor(
    run: string,
    options: ServerOptions,
    wanted: () => Wanted,
    slots: Slots,
    listener: Listener,
  ) {
    this.#requests = new Requests(run, "", options);
    this.#mayStream = hasBodies() && !polled.has(this.#requests.base);
    this.#wanted = wanted;
    this.#slots = slots;
    this.#listener = listener;
    onChange(() => this.#connected.abort(), this.#ended.signal);
    void this.#run();
  }

  /** Something else is wanted: connect anew, and say so, if that does not come as it is. */
  changed(): boolean {
    const isOther = this.#isOther();
    if (isOther) this.#connected.abort();
    return isOther;
  }

  /** End it. */
  stop(): void {
    this.#ended.abort();
    this.#connected.abort();
  }

  #isOther(): boolean {
    const { streams, all } = this.#wanted();
    const isMissing = ([key, index]: [string, number | null]) =>
      index !== null && index < (this.#at.get(key)?.next ?? (this.#isAll ? 0 : Infinity));
    const isLeft = ([key, { isOver }]: [string, Position]) =>
      !isOver && (streams[key] ?? null) === null;
    return (
      all !== this.#isAll ||
      Object.entries(streams).some(isMissing) ||
      (!all && [...this.#at].some(isLeft))
    );
  }

  async #run(): Promise<void> {
    while (!this.#ended.signal.aborted) {
      const { signal } = (this.#connected = new AbortController());
      await pause(GATHER_MS, this.#ended.signal);
      if (this.#ended.signal.aborted) return;
      const wanted = this.#wanted();
      this.#begin(wanted);
      try {
        const isOver = isNothing(wanted) || (await this.#read(wanted));
        if (isOver && wanted.all && !signal.aborted) this.#listener.onStatus("closed");
        if (isOver) await pause(FOREVER, signal);
      } catch (error) {
        // What was broken off on purpose is no failure.
        if (!signal.aborted) await this.#fail(error);
      } finally {
        this.#connected.abort();
      }
    }
  }

  #begin({ streams, all }: Wanted): void {
    const entries = Object.entries(streams);
    this.#isAll = all;
    this.#at = new Map(
      entries.map(([key, index]) => [key, { next: index ?? Infinity, isOver: index === null }]),
    );
  }

  /** Read by whatever works; return whether nothing more will come of what is wanted. */
  async #read(wanted: Wanted): Promise<boolean> {
    const { signal } = this.#connected;
    const release = await this.#slots.take();
    try {
      if (signal.aborted) return false;
      if (release) return await (this.#mayStream ? this.#follow(wanted) : this.#poll(wanted, true));
      const isOver = await this.#poll(wanted, false);
      if (!isOver) await pause(GLANCE_MS, signal);
      return isOver;
    } finally {
      release?.();
    }
  }

  async #poll(wanted: Wanted, mayWait: boolean): Promise<boolean> {
    const begun = performance.now();
    const wait = mayWait ? POLL_SECONDS : 0;
    const text = await within(wait + GRACE, this.#ask(wanted, wait));
    const { over, leased_until } = JSON.parse(text) as { over: boolean; leased_until?: number };
    const items = itemsOf(text);
    this.#take([...items, itemOf(JSON.stringify({ leased_until }))]);
    if (mayWait && !items.length) {
      // It has been waited for: for a second at least, also when a server that shuts down does not.
      this.#failures = this.#fruitless = 0;
      await pause(begun + GLANCE_MS - performance.now(), this.#connected.signal);
    }
    return over;
  }

  #ask(wanted: Wanted, wait: number): Promise<string> {
    const init = this.#asking(wanted, { Accept: "application/json" });
    return this.#requests.follow(`?wait=${wait}`, init).then((response) => response.text());
  }

  #asking(wanted: Wanted, headers: Record<string, string>): RequestInit {
    const { signal } = this.#connected;
    const body = JSON.stringify(wanted);
    return {
      method: "POST",
      body,
      signal,
      headers: { "Content-Type": "application/json", ...headers },
    };
  }

  async #follow(wanted: Wanted): Promise<boolean> {
    try {
      return await this.#followEvents(await this.#openEvents(wanted));
    } catch (error) {
      if (!this.#isNoStream(error)) throw error;
      const { url } = (error as Partial<StreamError>).facts ?? {};
      if (typeof url === "string" && !this.#eventsBase) {
        this.#eventsBase = url.replace(/\/+$/, "");
        return false;
      }
      this.#mayStream = false;
      if (!(error instanceof Stalled)) polled.add(this.#requests.base);
      return false;
    }
  }

  async #openEvents(wanted: Wanted): Promise<ReadableStream<Uint8Array>> {
    // Each reader has its own silence: the connection ends by none of them.
    const headers = { Accept: "text/event-stream", "Timeout-Seconds": `${SILENCE_SECONDS_MAX}` };
    const asking = this.#requests.follow("", this.#asking(wanted, headers), this.#eventsBase);
    const response = await this.#patiently(asking);
    const body = bodyOf(response);
    this.#listener.onStatus("live");
    return body;
  }

  async #followEvents(body: ReadableStream<Uint8Array>): Promise<boolean> {
    const reader = body.getReader();
    const text = new TextDecoder();
    const decoder = new EventDecoder();
    for (;;) {
      const { done, value } = await this.#patiently(reader.read());
      if (done) throw new StreamError("the connection ended early", 0, "broken");
      for (const { name, data } of decoder.decode(text.decode(value, { stream: true }))) {
        if (this.#connected.signal.aborted) return false;
        if (name === "end") return !(JSON.parse(data) as { silent: boolean }).silent;
        if (name === "error") throw new StreamError("the server broke off", 0, "broken");
        this.#isProven ||= name === "ping";
        this.#take([itemOf(data)]);
      }
    }
  }

  /** Wait for news of an event stream. Raises `Stalled`. */
  #patiently<V>(promise: Promise<V>): Promise<V> {
    if (this.#isProven) return within(STALL, promise);
    return doubting(
      promise,
      () => this.#lookBehind(),
      () => (this.#isProven = true),
    );
  }

  /** Ask whether there is what the event stream should have brought. */
  async #lookBehind(): Promise<Stalled | undefined> {
    const at = [...this.#at].map(([key, { next, isOver }]) => [key, isOver ? null : next] as const);
    const wanted = { streams: Object.fromEntries(at), all: this.#isAll };
    const text = await this.#ask(wanted, 0).catch(() => "");
    if (text && itemsOf(text).length) return new Stalled("events are held back");
  }

  #isNoStream(error: unknown): boolean {
    if (error instanceof Stalled) return !this.#isProven;
    const { status } = error as Partial<StreamError>;
    return status === 406 || status === 422;
  }

  /** Hand over what came, and note where that leads. Raises what passes, and is not for a reader. */
  #take(items: Item[]): void {
    if (items.some(({ said }) => said.chunks?.length)) this.#failures = this.#fruitless = 0;
    for (const item of items) item.from = this.#at.get(item.key)?.next ?? 0;
    this.#listener.onStatus("live");
    this.#listener.onItems(items);
    for (const { key, said } of items) {
      if (said.next_index !== undefined) {
        this.#at.set(key, { next: said.next_index, isOver: !!said.closed });
      } else if (said.error) {
        this.#at.set(key, { next: Infinity, isOver: true });
        if (!MOVED.includes(said.error.code))
          throw new StreamError(said.error.message, 0, said.error.code);
      }
    }
    this.changed();
  }

  /** Wait for the next try; or say that it goes no further. */
  async #fail(error: unknown): Promise<void> {
    if (!isOffline()) {
      this.#failures += 1;
      this.#fruitless += 1;
    }
    if (!isPassing(error) || this.#failures > RETRIES) {
      this.#listener.onStatus("failed", StreamError.of(error));
      return this.stop();
    }
    if (this.#fruitless === FRUITLESS) this.#turn();
    this.#listener.onStatus("retrying");
    this.#connected = new AbortController();
    await pause(delay(Math.max(1, this.#failures), Math.random(), error), this.#connected.signal);
  }

  /** Read the other way: something lets this one break, again and again. */
  #turn(): void {
    this.#fruitless = 0;
    this.#isProven = false;
    this.#mayStream = !this.#mayStream && hasBodies() && !polled.has(this.#requests.base);
  }
}
