/** Asking again every few seconds, for as long as somebody can see the answer. */

import { signal } from "@preact/signals";

const LONGEST_MS = 30_000;

/** Where a poller gets its timers and its visibility from. */
export interface Surroundings {
  isHidden(): boolean;
  onShown(call: () => void): () => void;
}

const PAGE: Surroundings = {
  isHidden: () => document.visibilityState === "hidden",
  onShown(call) {
    document.addEventListener("visibilitychange", call);
    window.addEventListener("online", call);
    return () => {
      document.removeEventListener("visibilitychange", call);
      window.removeEventListener("online", call);
    };
  },
};

const running = new Set<{ again(): Promise<void> }>();

/** Ask everything anew: something was done, and answers under way may be older than that. */
export function refresh(): void {
  for (const poller of running) void poller.again();
}

/** One question, asked again *every* milliseconds after its last answer; rarer while it fails. */
export class Poller<T> {
  /** When the last answer came; 0 before the first. */
  readonly answered = signal(0);
  readonly error = signal<unknown>(undefined);
  #timer: ReturnType<typeof setTimeout> | undefined;
  #asking: AbortController | undefined;
  #failures = 0;
  #isStopped = false;
  readonly #forget: () => void;

  constructor(
    private readonly ask: (signal: AbortSignal) => Promise<T>,
    private readonly take: (answer: T) => void,
    private readonly every: number,
    private readonly around: Surroundings = PAGE,
  ) {
    this.#forget = around.onShown(() => this.#shown());
    running.add(this);
    void this.now();
  }

  /** Ask at once, and leave an answer that is under way. */
  again(): Promise<void> {
    this.#asking?.abort();
    this.#asking = undefined;
    return this.now();
  }

  /** Ask at once, unless that is being done. */
  async now(): Promise<void> {
    clearTimeout(this.#timer);
    if (this.#asking || this.#isStopped || this.around.isHidden()) return;
    const asking = (this.#asking = new AbortController());
    try {
      const answer = await this.ask(asking.signal);
      if (!asking.signal.aborted) this.#succeed(answer);
    } catch (error) {
      if (!asking.signal.aborted) this.#fail(error);
    }
    if (this.#asking !== asking) return;
    this.#asking = undefined;
    this.#later();
  }

  stop(): void {
    this.#isStopped = true;
    running.delete(this);
    this.#forget();
    clearTimeout(this.#timer);
    this.#asking?.abort();
  }

  #succeed(answer: T): void {
    this.#failures = 0;
    this.error.value = undefined;
    this.answered.value = Date.now();
    this.take(answer);
  }

  #fail(error: unknown): void {
    this.#failures += 1;
    this.error.value = error;
  }

  #later(): void {
    if (this.#isStopped || this.around.isHidden()) return;
    clearTimeout(this.#timer);
    const wait = Math.min(LONGEST_MS, this.every * 2 ** Math.min(this.#failures, 5));
    this.#timer = setTimeout(() => void this.now(), this.#failures ? wait : this.every);
  }

  #shown(): void {
    if (this.around.isHidden()) clearTimeout(this.#timer);
    else void this.now();
  }
}
