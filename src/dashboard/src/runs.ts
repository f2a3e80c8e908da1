/** The runs, and the streams of the one that is looked at: asked for again and again. */

import { signal } from "@preact/signals";
import type { Api, RunFilter, RunInfo, RunStatus, StreamInfo } from "./api.js";
import { unlessMissing } from "./api.js";
import { continued, refreshed, RUNS_KEPT } from "./listing.js";
import { Poller } from "./refresh.js";

const EVERY_MS = 4000;

/** The runs that come from one are looked for among many others. */
const CHILDREN_EVERY_MS = 20_000;

/** The state that listed runs are in; undefined: any. */
export const wantedStatus = signal<RunStatus | undefined>(undefined);

export class RunList {
  readonly runs = signal<RunInfo[]>([]);
  readonly more = signal<string | null>(null);
  readonly isLoading = signal(false);
  readonly poller: Poller<{ runs: RunInfo[]; next: string | null }>;

  constructor(
    private readonly api: Api,
    private readonly filter: RunFilter = {},
  ) {
    this.poller = new Poller(
      (signal) => api.runs(filter, "", signal),
      (page) => this.#take(page),
      filter.parent === undefined ? EVERY_MS : CHILDREN_EVERY_MS,
    );
  }

  get isFull(): boolean {
    return this.runs.value.length >= RUNS_KEPT;
  }

  async older(): Promise<void> {
    const after = this.more.value;
    if (!after || this.isLoading.value || this.isFull) return;
    this.isLoading.value = true;
    try {
      const page = await this.api.runs(this.filter, after);
      this.runs.value = continued(this.runs.value, page.runs);
      this.more.value = page.next;
    } catch (error) {
      this.poller.error.value = error;
    } finally {
      this.isLoading.value = false;
    }
  }

  stop(): void {
    this.poller.stop();
  }

  #take({ runs, next }: { runs: RunInfo[]; next: string | null }): void {
    const before = this.runs.value;
    this.runs.value = refreshed(before, runs, next === null);
    if (this.runs.value.length <= runs.length) this.more.value = next;
  }
}

/** One run: what it is, and its streams by key. */
export class OneRun {
  readonly info = signal<RunInfo | undefined>(undefined);
  readonly streams = signal<StreamInfo[]>([]);
  readonly more = signal<string | null>(null);
  readonly poller: Poller<{ streams: StreamInfo[]; next: string | null }>;
  #pages = 1;

  constructor(
    private readonly api: Api,
    readonly id: string,
  ) {
    this.poller = new Poller(
      (signal) => this.#ask(signal),
      (page) => this.#take(page),
      EVERY_MS,
    );
  }

  older(): void {
    this.#pages = Math.min(10, this.#pages + 1);
    void this.poller.now();
  }

  stop(): void {
    this.poller.stop();
  }

  async #ask(signal: AbortSignal) {
    const [info, page] = await Promise.all([
      this.api.run(this.id, signal).catch(unlessMissing),
      this.#streams(signal),
    ]);
    this.info.value = info;
    return page;
  }

  async #streams(signal: AbortSignal) {
    let page = await this.api.streams(this.id, "", signal);
    const streams = page.streams;
    for (let n = 1; n < this.#pages && page.next; n += 1) {
      page = await this.api.streams(this.id, page.next, signal);
      streams.push(...page.streams);
    }
    return { streams, next: page.next };
  }

  #take({ streams, next }: { streams: StreamInfo[]; next: string | null }): void {
    this.streams.value = streams;
    this.more.value = next;
  }
}
