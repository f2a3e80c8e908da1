import { counting, type Chunk, type Span } from "@runstreams/react/reader";
import type { UIMessageChunk } from "ai";

/** Takes back what the AI SDK has shown of a message since its latest step began; `ai` 6 knows none. */
export const RESET = { type: "reset-step" } as unknown as UIMessageChunk;

/** Chunks that show nothing. */
const SILENT = ["start", "message-metadata", "finish"];

/**
 * The latest step of an answer, as it was shown: whatever of it no longer counts can be taken back. What
 * was shown before it stays, since the AI SDK takes back no more.
 */
export class Step {
  readonly #isFirst: boolean;
  #superseded: Span[] = [];
  /** What the answer shows before its first step. */
  #ahead: Chunk<UIMessageChunk>[] = [];
  /** The last chunk before the step: what supersedes another one before it supersedes that, too. */
  #before: Chunk<UIMessageChunk>[] = [];
  #shown: Chunk<UIMessageChunk>[] = [];
  /** The chunk that began the step, and how many steps have begun. */
  #begun: Chunk<UIMessageChunk> | undefined;
  #count = 0;
  /** Whether the beginning is shown of a step that is yet to begin. */
  #isAhead = false;

  /** Begin with nothing; unless it *isFirst*, another stream has begun the message. */
  constructor(isFirst: boolean) {
    this.#isFirst = isFirst;
  }

  /** Return what to show of *chunks*, which come next. */
  take(chunks: Chunk<UIMessageChunk>[]): UIMessageChunk[] {
    return chunks.filter((chunk) => this.#takes(chunk)).map(({ data }) => data);
  }

  #takes(chunk: Chunk<UIMessageChunk>): boolean {
    if (chunk.data.type !== "start-step") return !!this.#shown.push(chunk);
    if (!this.#count) this.#ahead = this.#shown.filter(({ data }) => !SILENT.includes(data.type));
    const isShown = this.#isAhead;
    this.#isAhead = false;
    if (!isShown) {
      this.#count += 1;
      this.#before = [this.#shown.at(-1) ?? this.#begun ?? chunk];
    }
    this.#begun = chunk;
    this.#shown = [];
    return !isShown;
  }

  /**
   * Return what to show now that *superseded* chunks do not count: nothing as long as none of them was
   * shown. Returns undefined where what was shown cannot be taken back.
   */
  rollBack(superseded: Span[]): UIMessageChunk[] | undefined {
    const isSame = superseded === this.#superseded;
    this.#superseded = superseded;
    if (isSame) return [];
    const left = counting(this.#shown, superseded);
    const begins = !this.#begun || counting([this.#begun], superseded).length > 0;
    if (begins && left.length === this.#shown.length) return [];
    if (!this.#mayTakeBack(begins)) return undefined;
    this.#isAhead = !begins;
    this.#shown = left;
    return [RESET, ...left.map(({ data }) => data)];
  }

  #mayTakeBack(begins: boolean): boolean {
    if (!this.#count) return this.#isFirst;
    const needed = this.#count === 1 ? this.#ahead : this.#before;
    return begins || counting(needed, this.#superseded).length === needed.length;
  }
}
