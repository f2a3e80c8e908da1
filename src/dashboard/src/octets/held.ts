/** The bytes that the page holds: the last ones, as many as it may. */

export const HELD = 8 * 2 ** 20;

/** What letting go frees at least: whole rows, whatever their width. */
const SLACK = HELD / 16;

export class Held {
  /** How many were let go from the front. */
  dropped = 0;
  length = 0;
  #bytes = new Uint8Array(65_536);

  /** Take what comes next. */
  append(bytes: Uint8Array): void {
    this.#makeRoom(bytes.length);
    this.#bytes.set(bytes, this.length);
    this.length += bytes.length;
    if (this.length > HELD) this.#letGo(Math.ceil((this.length - HELD) / SLACK) * SLACK);
  }

  slice(from: number, to = this.length): Uint8Array {
    return this.#bytes.subarray(from, Math.min(to, this.length));
  }

  #makeRoom(count: number): void {
    const needed = this.length + count;
    if (needed <= this.#bytes.length) return;
    const larger = new Uint8Array(2 * needed);
    larger.set(this.slice(0));
    this.#bytes = larger;
  }

  #letGo(count: number): void {
    this.#bytes.copyWithin(0, count, this.length);
    this.length -= count;
    this.dropped += count;
  }
}
