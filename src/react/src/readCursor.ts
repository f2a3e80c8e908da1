import type { Answer } from "./answers.js";
import type { Chunk, Page, Span } from "./chunk.js";

/**
 * Where a reader is in its stream, so that it gets each chunk once, however often it connects. Something in
 * between may have kept answers of before: it does not go back to a stream that it has left.
 */
export class ReadCursor {
  /** The index it wants next; undefined for the oldest chunk that is left. */
  next: number | undefined;
  /** The chunk it had last. */
  last: Chunk | undefined;
  /** Which chunks no longer count, as far as it was told: never fewer than before. */
  superseded: Span[] = [];
  #anew = false;
  /** Where it was in the stream whose place another one is said to have taken. */
  #before: { next: number | undefined; last: Chunk; superseded: Span[] } | undefined;
  /** Streams that others have followed. */
  readonly #left = new Set<string>();

  constructor(next?: number) {
    this.next = next;
  }

  /** Which stream of its name it is in, once something of it was read. */
  get generation(): string | undefined {
    return this.last && streamOf(this.last);
  }

  /** Say whether chunks are missing between what was read and *answer*. */
  misses({ chunks: [first] }: Answer<unknown>): boolean {
    return !!first && first.index > (this.next ?? Infinity) && !this.#isOther(streamOf(first));
  }

  /**
   * Return what of *answer* is new, which tells all *from* an index on. Returns undefined when chunks are
   * missing before it, or another stream has taken this one's place: then one has to connect anew, from
   * `next`.
   */
  take<T>(
    { chunks, tail, superseded = [], generation }: Answer<T>,
    from = Infinity,
  ): Page<T> | undefined {
    const [first] = chunks;
    const stream = first ? streamOf(first) : generation;
    if (this.#isPast(stream)) return undefined;
    if (this.#isOther(stream, tail)) {
      this.#begin(this.last!);
      if (first?.index !== 0) return undefined;
    }
    this.#clamp(first ? Math.min(first.index, tail) : tail, tail);
    this.#hear(superseded);
    const fresh = chunks.filter(({ index }) => index >= (this.next ?? 0));
    const page = { chunks: fresh, tail, anew: false, superseded: this.superseded };
    if (!fresh.length) return page;
    if (Math.min(from, fresh[0]!.index) > (this.next ?? Infinity)) return undefined;
    page.anew = this.#anew;
    this.last = fresh.at(-1)!;
    this.next = this.last.index + 1;
    this.#anew = false;
    if (this.#before) this.#left.add(streamOf(this.#before.last));
    this.#before = undefined;
    return page;
  }

  /**
   * Go on elsewhere: the index that was asked for, by whoever reads here too, has expired, or is not there
   * yet. Where all is left, it is a stream in whose place another one has begun.
   */
  move({ code, first_index = 0, tail = 0 }: Moved): void {
    const isExpired = code === "index_expired";
    if (isExpired && first_index) this.next = Math.max(this.next ?? 0, first_index);
    else if (isExpired || code === "index_beyond_tail") this.take({ chunks: [], tail });
  }

  /** Say whether *stream*, or where that is not told one with this *tail*, is not what was read so far. */
  #isOther(stream: string | undefined, tail = 0): boolean {
    if (!this.last) return false;
    return stream === undefined ? tail < this.next! : stream !== this.generation;
  }

  #begin(last: Chunk): void {
    this.#before = { next: this.next, last, superseded: this.superseded };
    this.next = 0;
    this.last = undefined;
    this.superseded = [];
    this.#anew = true;
  }

  /** Say whether *stream* has had its time; the one that was just read may not, and goes on where it was. */
  #isPast(stream: string | undefined): boolean {
    const before = this.#before;
    if (!before || streamOf(before.last) !== stream) return this.#left.has(stream!);
    Object.assign(this, before);
    this.#before = undefined;
    this.#anew = false;
    return true;
  }

  /** Take in which chunks no longer count; an answer that was kept from before knows fewer. */
  #hear(superseded: Span[]): void {
    if (length(superseded) > length(this.superseded)) this.superseded = superseded;
  }

  /** A reader that has had nothing yet and wants more than there is begins where the stream ends. */
  #clamp(index: number, tail: number): void {
    if (!this.last && this.next !== undefined && tail <= this.next) {
      this.next = Math.min(this.next, index);
    }
  }
}

/** What a server says where it does not read from the index that was asked for. */
interface Moved {
  code: string;
  first_index?: number;
  tail?: number;
}

/** How many chunks lie in *spans*. */
function length(spans: Span[]): number {
  return spans.reduce((sum, [start, end]) => sum + end - start, 0);
}

/** What the ids of a stream have in common, and not with those of the one that takes its place. */
function streamOf({ id, index }: Chunk): string {
  const end = `-${index}`;
  return id.endsWith(end) ? id.slice(0, -end.length) : "";
}
