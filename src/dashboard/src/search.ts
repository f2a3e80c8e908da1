/** Which chunks hold a text: looked for in portions, so that the page stays quick. */

import type { Chunks, Kept } from "./chunks.js";

/** Chunks that are looked at between two looks at the clock. */
const PORTION = 256;

/** With a capital in it, a query means its letters exactly. */
export class Query {
  readonly #isExact: boolean;
  readonly #needle: string;

  constructor(readonly text: string) {
    this.#isExact = text !== text.toLowerCase();
    this.#needle = text;
  }

  isIn(text: string): boolean {
    return this.#folded(text).includes(this.#needle);
  }

  /** Where it is in *text*: up to *limit* pairs of begin and end. */
  ranges(text: string, limit = 1000): [number, number][] {
    const found: [number, number][] = [];
    if (!this.#needle) return found;
    const folded = this.#folded(text);
    // Some letters get longer in lower case; then places in one text are not those in the other.
    if (folded.length !== text.length) return found;
    let from = folded.indexOf(this.#needle);
    while (from >= 0 && found.length < limit) {
      found.push([from, from + this.#needle.length]);
      from = folded.indexOf(this.#needle, from + this.#needle.length);
    }
    return found;
  }

  #folded(text: string): string {
    return this.#isExact ? text : text.toLowerCase();
  }
}

/** One query over the chunks that are held, and those that come. */
export class Search {
  readonly query: Query;
  /** The indexes of the chunks that match, in order. */
  matches: number[] = [];
  /** The index up to which all are looked at. */
  #next = 0;

  constructor(text: string) {
    this.query = new Query(text);
  }

  /** Look on, until *isLate* says to stop. Return whether everything is looked at. */
  look(chunks: Chunks, isLate: () => boolean = () => false): boolean {
    let position = chunks.position(this.#next);
    while (position < chunks.length) {
      if (position % PORTION === 0 && isLate()) return false;
      const chunk = chunks.at(position)!;
      if (this.query.isIn(chunk.text)) this.matches.push(chunk.index);
      this.#next = chunk.index + 1;
      position += 1;
    }
    return true;
  }

  /** Look at chunks that came in before all others. */
  lookBefore(page: readonly Kept[]): void {
    const found = page.filter(({ text }) => this.query.isIn(text)).map(({ index }) => index);
    this.matches = found.concat(this.matches);
  }

  /** Forget matches before *index*. */
  forget(index: number): void {
    const count = this.place(index);
    if (count) this.matches = this.matches.slice(count);
  }

  /** The place, among the matches, of the first one at or after *index*. */
  place(index: number): number {
    let low = 0;
    let high = this.matches.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.matches[middle]! < index) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The match after *index*, or before it; around the ends. */
  step(index: number, direction: 1 | -1): number | undefined {
    const count = this.matches.length;
    if (!count) return undefined;
    const place = direction > 0 ? this.place(index + 1) : this.place(index) - 1;
    return this.matches[(place + count) % count];
  }
}
