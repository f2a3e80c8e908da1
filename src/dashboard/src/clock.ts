/** The server's time: ages and rates are told by it, however wrong this machine's clock is. */

import { signal } from "@preact/signals";

class Clock {
  /** Milliseconds, once a second; what shows ages depends on it. */
  readonly second = signal(Date.now());
  #offset = 0;

  constructor() {
    setInterval(() => globalThis.document?.hidden || (this.second.value = this.now()), 1000);
  }

  now(): number {
    return Date.now() + this.#offset;
  }

  /** Take the `Date` of an answer, which is up to a second behind; nearer than that is near enough. */
  learn(date: number): void {
    const offset = date + 500 - Date.now();
    if (Math.abs(offset - this.#offset) > 1000) this.#offset = Math.abs(offset) > 1500 ? offset : 0;
  }
}

export const clock = new Clock();
