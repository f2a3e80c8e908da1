/** How many chunks were written in each of the last seconds, by the times that the server gave them. */

export const WINDOW = 60;

/** What the rate is a mean over, in seconds. */
const RECENT = 5;

export class Rates {
  #counts = new Map<number, number>();
  #newest = 0;

  add(timestamp: number): void {
    const second = Math.floor(timestamp / 1000);
    if (second <= this.#newest - WINDOW) return;
    this.#counts.set(second, (this.#counts.get(second) ?? 0) + 1);
    if (second > this.#newest) {
      this.#newest = second;
      this.#forget();
    }
  }

  /** Counts of the seconds that end with the one of *now*, the oldest first. */
  bars(now: number): number[] {
    const last = Math.floor(now / 1000);
    return Array.from({ length: WINDOW }, (_, n) => this.#counts.get(last - WINDOW + 1 + n) ?? 0);
  }

  /** Chunks a second, over the last whole seconds before *now*. */
  rate(now: number): number {
    const whole = this.bars(now).slice(-RECENT - 1, -1);
    return whole.reduce((sum, count) => sum + count, 0) / RECENT;
  }

  #forget(): void {
    for (const second of this.#counts.keys()) {
      if (second <= this.#newest - WINDOW) this.#counts.delete(second);
    }
  }
}
