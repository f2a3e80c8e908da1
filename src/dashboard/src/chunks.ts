/** The chunks that the page holds: a stretch of the stream, bounded at its front. */

/** A chunk as it is kept: as text, which is smaller than an object, and quick to search. */
export interface Kept {
  index: number;
  timestamp: number;
  /** A string as it is meant, anything else as the JSON that was written. */
  text: string;
  isString: boolean;
}

export interface Bounds {
  chunks: number;
  /** Of the texts' letters. */
  bytes: number;
}

export const BOUNDS: Bounds = { chunks: 200_000, bytes: 64 * 2 ** 20 };

/** What letting go frees at least, so that it is not done again for each page. */
const SLACK = 1 / 16;

/** Keep a chunk, whose *data* are its JSON as it was written. */
export function keep(chunk: { index: number; data: string; timestamp: number }): Kept {
  const { index, timestamp, data } = chunk;
  const isString = data.startsWith('"');
  // Parsed in either case: a text that was cut out of a page would keep the whole page.
  const text = JSON.parse(isString ? data : JSON.stringify(data)) as string;
  return { index, timestamp, isString, text };
}

/** Chunks in the order of their indexes; where some have expired, their indexes are missing. */
export class Chunks {
  bytes = 0;
  /** How many were let go from the front, since the stretch began. */
  dropped = 0;
  #list: Kept[] = [];

  constructor(readonly bounds: Bounds = BOUNDS) {}

  get length(): number {
    return this.#list.length;
  }

  get first(): Kept | undefined {
    return this.#list[0];
  }

  get last(): Kept | undefined {
    return this.#list[this.#list.length - 1];
  }

  at(position: number): Kept | undefined {
    return this.#list[position];
  }

  slice(from: number, to: number): Kept[] {
    return this.#list.slice(from, to);
  }

  /** Whether there is more than there should be. */
  get isFull(): boolean {
    return this.length > this.bounds.chunks || this.bytes > this.bounds.bytes;
  }

  /** Take what follows the last chunk. Return those that were let go for it, if they may, from the front. */
  append(page: readonly Kept[], mayLetGo = true): Kept[] {
    for (const chunk of page) {
      this.#list.push(chunk);
      this.bytes += weight(chunk);
    }
    return mayLetGo && this.isFull ? this.#letGo() : [];
  }

  /** Take what comes before the first chunk, as much of its end as there is room for. */
  prepend(page: readonly Kept[]): Kept[] {
    let room = this.bounds.chunks - this.length;
    let bytes = this.bounds.bytes - this.bytes;
    let from = page.length;
    while (from > 0 && room > 0 && bytes >= weight(page[from - 1]!)) {
      from -= 1;
      room -= 1;
      bytes -= weight(page[from]!);
    }
    const taken = page.slice(from);
    this.#list = taken.concat(this.#list);
    this.bytes = this.bounds.bytes - bytes;
    this.dropped = Math.max(0, this.dropped - taken.length);
    return taken;
  }

  clear(): void {
    this.#list = [];
    this.bytes = this.dropped = 0;
  }

  /** The position of the first chunk whose index is at least *index*. */
  position(index: number): number {
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#list[middle]!.index < index) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #letGo(): Kept[] {
    const chunks = this.bounds.chunks * (1 - SLACK);
    const bytes = this.bounds.bytes * (1 - SLACK);
    let count = 0;
    // The last one stays, whatever its size.
    while (count < this.length - 1 && (this.length - count > chunks || this.bytes > bytes)) {
      this.bytes -= weight(this.#list[count]!);
      count += 1;
    }
    this.dropped += count;
    return this.#list.splice(0, count);
  }
}

const weight = ({ text }: Kept): number => text.length;
