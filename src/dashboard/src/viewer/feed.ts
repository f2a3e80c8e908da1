/** What a stream brings: read live into a bounded store, and shown once per frame. */

import { signal } from "@preact/signals";
import type { Chunk, Closed, Page, Span, Status, Transport } from "../../../react/src/reader.js";
import { counting, StreamReader } from "../../../react/src/reader.js";
import { SILENCE_SECONDS_MAX } from "../../../react/src/timing.js";
import type { Api } from "../api.js";
import { ApiError } from "../api.js";
import { Chunks, keep, type Kept } from "../chunks.js";
import { Gaps } from "../gaps.js";
import { Rates } from "../rates.js";
import { Search } from "../search.js";

/** Chunks that one request for earlier ones brings. */
export const EARLIER = 1000;

/** How long the page may be busy with chunks, or searching, before it draws again. */
const SLICE_MS = 8;

export type State = Status | "paused" | "full";

export class Feed {
  readonly chunks = new Chunks();
  readonly state = signal<State>("connecting");
  readonly transport = signal<Transport>("events");
  /** Why it tries again, or went no further. */
  readonly error = signal<unknown>(undefined);
  readonly closed = signal<Closed | undefined>(undefined);
  /** Counts what was drawn: who depends on it, draws the chunks. */
  readonly version = signal(0);
  readonly search = signal<Search | undefined>(undefined);
  readonly isSearching = signal(false);
  /** What the reader should be told about where the chunks begin. */
  readonly notice = signal("");
  readonly isLoadingEarlier = signal(false);
  /** Whether chunks may be let go at the front for new ones. */
  isFollowing = true;
  gaps = new Gaps();
  rates = new Rates();
  /** The tail, as far as is known. */
  tail = 0;
  /** The first index that has not expired, as far as is known. */
  oldest = 0;
  /** Which chunks no longer count. */
  superseded: Span[] = [];
  /** The time of the stream's first chunk. */
  origin: number | undefined;

  #reader: StreamReader<string> | undefined;
  #pending: Chunk<string>[] = [];
  #frame = 0;
  #next: number | undefined;
  #wanted: number | undefined;
  #generation = "";
  #isStopped = false;
  #sliceBegun = 0;

  constructor(
    private readonly api: Api,
    readonly run: string,
    readonly key: string,
    start?: number,
    tail = 0,
  ) {
    this.tail = tail;
    this.#begin(start);
  }

  /** Whether there may be chunks before the first that is held. */
  get hasEarlier(): boolean {
    return (this.chunks.first?.index ?? this.#next ?? 0) > this.oldest;
  }

  get isReading(): boolean {
    return this.#reader !== undefined;
  }

  /** Say whether chunk *index* counts. */
  counts(index: number): boolean {
    return counting([{ index }], this.superseded).length > 0;
  }

  stop(): void {
    this.#isStopped = true;
    this.#reader?.stop();
    cancelAnimationFrame(this.#frame);
  }

  pause(why: "paused" | "full" = "paused"): void {
    if (!this.#reader) return;
    const reader = this.#reader;
    this.#reader = undefined;
    reader.stop();
    this.state.value = why;
  }

  resume(): void {
    if (this.#reader || this.closed.value) return;
    void this.#read();
  }

  /** Forget what is held, and read from *index* on. */
  jump(index: number | undefined): void {
    this.pause();
    this.chunks.clear();
    this.gaps = new Gaps();
    this.rates = new Rates();
    this.#pending = [];
    this.closed.value = undefined;
    this.notice.value = "";
    if (this.search.value) this.search.value = new Search(this.search.value.query.text);
    this.#begin(index);
    this.#draw();
  }

  /** Hold chunks from before the first one, too; or go there, when there is no room for them. */
  async earlier(): Promise<void> {
    const first = this.chunks.first?.index ?? this.#next ?? 0;
    if (this.isLoadingEarlier.value || !this.hasEarlier) return;
    if (this.chunks.length + EARLIER > this.chunks.bounds.chunks) {
      return this.jump(Math.max(0, first - EARLIER));
    }
    this.isLoadingEarlier.value = true;
    try {
      await this.#prepend(Math.max(0, first - EARLIER), first);
    } catch (error) {
      this.notice.value = `Earlier chunks could not be read: ${(error as Error).message}`;
    } finally {
      this.isLoadingEarlier.value = false;
    }
  }

  /** Look for *text* in what is held and what comes; for nothing when it is empty. */
  find(text: string): void {
    this.search.value = text ? new Search(text) : undefined;
    this.#draw();
  }

  #begin(start: number | undefined): void {
    this.#next = start;
    this.#wanted = start;
    if (start !== undefined && start > this.tail && this.tail) {
      this.notice.value = `There is no chunk ${start} yet: the stream has ${this.tail}.`;
    }
    void this.#read();
  }

  async #read(): Promise<void> {
    while (!this.#isStopped) {
      const reader = (this.#reader = this.#newReader());
      try {
        for await (const page of reader.pages()) {
          if (this.#reader !== reader) return;
          this.#take(page);
          await this.#breathe();
          if (this.#reader !== reader) return;
        }
      } catch (error) {
        if (this.#reader !== reader) return;
        this.#reader = undefined;
        this.error.value = error;
        this.state.value = "failed";
        return;
      }
      if (this.#reader !== reader) return;
      if (reader.closed) {
        this.#reader = undefined;
        this.closed.value = reader.closed;
        this.state.value = "closed";
        return this.#draw();
      }
    }
  }

  #newReader(): StreamReader<string> {
    const reader: StreamReader<string> = new StreamReader(this.run, this.key, {
      baseURL: this.api.base,
      accessToken: this.api.token,
      ...(this.#next !== undefined && { startIndex: this.#next }),
      // A reader ends by itself after silence, however long; then the next one follows.
      timeoutInSeconds: SILENCE_SECONDS_MAX,
      retries: Infinity,
      // What is shown is what was written.
      parse: (text) => text,
      fetch: (...request) => this.#fetch(...request),
      onStatus: (status) => this.#reader === reader && this.#say(status, reader.transport),
    });
    this.transport.value = reader.transport;
    this.state.value = "connecting";
    return reader;
  }

  /** Remember what goes wrong: the reader only says that it tries again. */
  async #fetch(...request: Parameters<typeof fetch>): Promise<Response> {
    try {
      const response = await fetch(...request);
      if (response.status >= 400) {
        const message = `the server answered ${response.status}`;
        this.error.value = new ApiError(response.status, "unknown", message);
      }
      return response;
    } catch (error) {
      if ((error as Error).name !== "AbortError") {
        this.error.value = new ApiError(0, "unreachable", "The server cannot be reached.");
      }
      throw error;
    }
  }

  #say(status: Status, transport: Transport): void {
    this.transport.value = transport;
    if (status === "live") this.error.value = undefined;
    if (status !== "closed" && status !== "silent") this.state.value = status;
    this.#draw();
  }

  #take({ chunks, anew, tail, superseded }: Page<string>): void {
    const [first] = chunks;
    if (!first) return;
    const generation = generationOf(first);
    if (anew || (this.#generation && generation !== this.#generation)) this.#startAnew();
    this.#generation = generation;
    this.superseded = superseded;
    if (this.#wanted !== undefined && first.index > this.#wanted) {
      this.oldest = Math.max(this.oldest, first.index);
      this.notice.value = `Chunks before ${first.index} have expired.`;
    }
    this.#wanted = undefined;
    if (Number.isFinite(tail)) this.tail = tail;
    if (this.transport.value !== this.#reader!.transport) {
      this.transport.value = this.#reader!.transport;
    }
    for (const chunk of chunks) this.#pending.push(chunk);
    this.#next = chunks[chunks.length - 1]!.index + 1;
    this.#draw();
  }

  /** The stream was deleted and written again: what is held is of another one. */
  #startAnew(): void {
    this.chunks.clear();
    this.#pending = [];
    this.gaps = new Gaps();
    this.rates = new Rates();
    this.origin = undefined;
    this.oldest = 0;
    if (this.search.value) this.search.value = new Search(this.search.value.query.text);
    this.notice.value = "The stream was deleted and begun anew: these are its new chunks.";
  }

  /** Let the page draw and answer, after a slice of time. */
  async #breathe(): Promise<void> {
    const now = performance.now();
    if (now - this.#sliceBegun < SLICE_MS) return;
    await new Promise<void>((resolve) => setTimeout(resolve));
    this.#sliceBegun = performance.now();
  }

  #draw(): void {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#flush();
      this.version.value += 1;
    });
  }

  #flush(): void {
    const page = this.#pending.map(keep);
    this.#pending = [];
    let before = this.chunks.last;
    for (const chunk of page) {
      if (before?.index === chunk.index - 1) this.gaps.add(chunk.timestamp - before.timestamp);
      this.rates.add(chunk.timestamp);
      if (chunk.index === 0) this.origin = chunk.timestamp;
      before = chunk;
    }
    this.tail = Math.max(this.tail, (before?.index ?? -1) + 1);
    const dropped = this.chunks.append(page, this.isFollowing);
    // Who looks at something must not lose it, so nothing more is read.
    if (this.chunks.isFull && !this.isFollowing) this.pause("full");
    if (dropped.length) this.search.value?.forget(this.chunks.first!.index);
    this.#look();
  }

  #look(): void {
    const until = performance.now() + SLICE_MS;
    const isDone = this.search.value?.look(this.chunks, () => performance.now() > until) ?? true;
    this.isSearching.value = !isDone;
    if (!isDone) this.#draw();
  }

  async #prepend(from: number, to: number): Promise<void> {
    const page: Kept[] = [];
    while (from < to) {
      const answer = await this.#chunks(from, to - from);
      const held = answer.filter(({ index }) => index < to).map(keep);
      if (!held.length) break;
      page.push(...held);
      from = held[held.length - 1]!.index + 1;
    }
    if (this.chunks.first && this.chunks.first.index !== to) return;
    const taken = this.chunks.prepend(page);
    for (let n = 1; n < taken.length; n += 1) {
      this.gaps.add(taken[n]!.timestamp - taken[n - 1]!.timestamp);
    }
    if (taken[0]?.index === 0) this.origin = taken[0].timestamp;
    this.search.value?.lookBefore(taken);
    this.#draw();
  }

  async #chunks(from: number, limit: number) {
    try {
      return (await this.api.chunks(this.run, this.key, from, limit)).chunks;
    } catch (error) {
      const { code, facts } = error as Partial<ApiError>;
      const first = facts?.first_index;
      if (code !== "index_expired" || typeof first !== "number") throw error;
      this.oldest = Math.max(this.oldest, first);
      this.notice.value = `Chunks before ${first} have expired.`;
      if (first >= from + limit) return [];
      return (await this.api.chunks(this.run, this.key, first, from + limit - first)).chunks;
    }
  }
}

/** What the ids of one stream's chunks have in common. */
const generationOf = ({ id, index }: Chunk): string =>
  id.endsWith(`-${index}`) ? id.slice(0, -`-${index}`.length) : "";
