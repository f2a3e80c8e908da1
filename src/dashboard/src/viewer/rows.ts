/**
 * Where rows are: all of one height, but for the few that are open. So a place costs nothing to know,
 * however many rows there are; a measurement kept for each of 200,000 would be made anew with each page.
 */

export const ROW = 24;

export class Rows {
  /** The heights of open rows, by index. */
  #open = new Map<number, number>();

  isOpen(index: number): boolean {
    return this.#open.has(index);
  }

  height(index: number): number {
    return this.#open.get(index) ?? ROW;
  }

  /** Open a row, or note its height. Return by how much it grew. */
  measure(index: number, height: number): number {
    const before = this.#open.get(index) ?? ROW;
    this.#open.set(index, height);
    return height - before;
  }

  close(index: number): void {
    this.#open.delete(index);
  }

  clear(): void {
    this.#open.clear();
  }

  /** Forget rows before *index*. */
  forget(index: number): void {
    for (const open of this.#open.keys()) if (open < index) this.#open.delete(open);
  }

  /** The top of the row at *position*; *positionOf* says where an index is, if it is shown. */
  top(position: number, positionOf: (index: number) => number): number {
    let top = position * ROW;
    for (const [index, height] of this.#open) {
      const open = positionOf(index);
      if (open >= 0 && open < position) top += height - ROW;
    }
    return top;
  }

  /** The position of the row at *offset* from the top. */
  at(offset: number, count: number, positionOf: (index: number) => number): number {
    let low = 0;
    let high = Math.max(0, count - 1);
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.top(middle, positionOf) <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
