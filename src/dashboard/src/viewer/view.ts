/** How one looks at a stream: what is open, selected, followed, searched for. */

import { signal } from "@preact/signals";
import type { Kept } from "../chunks.js";
import type { Mode } from "../route.js";
import type { Feed } from "./feed.js";
import { Rows } from "./rows.js";
import { newFolds, type Folds } from "./folding.js";

export type TimeMode = "first" | "before" | "clock";

export const TIME_MODES: Record<TimeMode, { name: string; of: string; next: TimeMode }> = {
  first: { name: "Since first", of: "since the first chunk", next: "before" },
  before: { name: "Since last", of: "since the chunk before", next: "clock" },
  clock: { name: "Time", of: "of day", next: "first" },
};

export class View {
  readonly mode = signal<Mode>("list");
  readonly times = signal<TimeMode>("first");
  readonly isFollowing = signal(true);
  readonly isFiltering = signal(false);
  /** In text: each chunk on a line of its own. */
  readonly isByLine = signal(false);
  /** In text and Markdown: where in a chunk its text is; empty: where its protocol has it. */
  readonly path = signal("");
  readonly selected = signal<number | undefined>(undefined);
  readonly query = signal("");
  /** Rows that are open changed, or their heights. */
  readonly layout = signal(0);
  /** Asks the list to show an index, at its top or just somewhere. */
  readonly wanted = signal<{ index: number; at: "top" | "near" } | undefined>(undefined);
  /** The first index that was not there when following ended. */
  readonly unseenFrom = signal(0);
  /** Counts what was drawn later than the chunks came. */
  readonly drawn = signal(0);
  /** The row at the upper edge, and how far it is scrolled out: it stays there whatever comes. */
  anchor = { index: -1, offset: 0 };
  readonly rows = new Rows();
  /** Says which row is at the upper edge of the list. */
  edge: () => number | undefined = () => this.feed.chunks.first?.index;
  /** Where the search is in text and Markdown: which place of how many. */
  readonly places = signal({ at: 0, count: 0 });
  #folds = new Map<number, Folds>();

  constructor(readonly feed: Feed) {}

  follow(isFollowing: boolean): void {
    if (!isFollowing && this.isFollowing.peek()) this.unseenFrom.value = this.feed.tail;
    this.isFollowing.value = this.feed.isFollowing = isFollowing;
    if (isFollowing && this.feed.state.peek() === "full") this.feed.resume();
  }

  nextTimes(): void {
    this.times.value = TIME_MODES[this.times.peek()].next;
  }

  foldsOf(index: number): Folds {
    let folds = this.#folds.get(index);
    if (!folds) this.#folds.set(index, (folds = newFolds()));
    return folds;
  }

  /** Open or shut a row. */
  toggle(index: number): void {
    if (this.rows.isOpen(index)) this.rows.close(index);
    else this.rows.measure(index, 160);
    this.layout.value += 1;
  }

  closeAll(): void {
    this.rows.clear();
    this.layout.value += 1;
  }

  measured(index: number, height: number): void {
    if (this.rows.isOpen(index) && this.rows.measure(index, height) !== 0) this.layout.value += 1;
  }

  /** Forget the looks of chunks that are gone. */
  forget(): void {
    const first = this.feed.chunks.first?.index ?? Infinity;
    this.rows.forget(first);
    for (const index of this.#folds.keys()) if (index < first) this.#folds.delete(index);
  }

  /** Select the row after the selected one, or before it; the one at the edge, if there is none. */
  move(direction: 1 | -1): void {
    const selected = this.selected.peek();
    const from = selected === undefined ? -1 : this.positionOf(selected);
    const edge = this.isFollowing.peek() ? this.count - 1 : this.near(this.edge() ?? 0);
    const position = from < 0 ? edge : Math.max(0, Math.min(this.count - 1, from + direction));
    const chunk = this.at(position);
    if (!chunk) return;
    if (direction < 0 || position < this.count - 1) this.follow(false);
    this.selected.value = chunk.index;
    this.wanted.value = { index: chunk.index, at: "near" };
  }

  /** How many rows there are: all chunks, or those that match. */
  get count(): number {
    return this.#matches?.length ?? this.feed.chunks.length;
  }

  at(position: number): Kept | undefined {
    const { chunks } = this.feed;
    const matches = this.#matches;
    if (!matches) return chunks.at(position);
    const index = matches[position];
    return index === undefined ? undefined : chunks.at(chunks.position(index));
  }

  /** The position of the row of *index*, or -1. */
  positionOf = (index: number): number => {
    const position = this.near(index);
    return this.at(position)?.index === index ? position : -1;
  };

  /** The position of the first row at or after *index*. */
  near(index: number): number {
    const search = this.feed.search.peek();
    return search && this.isFiltering.peek()
      ? search.place(index)
      : this.feed.chunks.position(index);
  }

  /** The chunk before, in the stream, if it is held. */
  before(index: number): Kept | undefined {
    const { chunks } = this.feed;
    const found = chunks.at(chunks.position(index - 1));
    return found?.index === index - 1 ? found : undefined;
  }

  get #matches(): number[] | undefined {
    return this.isFiltering.peek() ? this.feed.search.peek()?.matches : undefined;
  }
}
