/** Bytes in rows: their place, their numbers, and what they are as ASCII. */

import type { Held } from "./held.js";

/** Pixels of a row, as the style has it. */
const ROW = 20;

/** Rows that are drawn beyond each edge. */
const BEYOND = 20;

/** Below so many pixels a row has 8 bytes instead of 16. */
const NARROW = 700;

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** Three columns of one row. */
export function rowOf(bytes: Uint8Array, place: number, width: number): [string, string, string] {
  let numbers = "";
  let letters = "";
  for (let at = 0; at < width; at += 1) {
    const byte = bytes[at];
    numbers += at === width / 2 ? "  " : at ? " " : "";
    numbers += byte === undefined ? "  " : HEX[byte];
    if (byte !== undefined) letters += byte > 31 && byte < 127 ? String.fromCharCode(byte) : "·";
  }
  return [place.toString(16).padStart(8, "0"), numbers, letters];
}

/** Draws no more rows than are in sight, however many there are. */
export class HexSheet {
  #window = document.createElement("div");

  constructor(
    private readonly box: HTMLElement,
    private readonly held: Held,
  ) {
    this.#window.className = "hex";
  }

  draw(): void {
    const width = this.box.clientWidth < NARROW ? 8 : 16;
    const rows = Math.ceil(this.held.length / width);
    const sheet = this.box.firstElementChild as HTMLElement;
    sheet.style.height = `${rows * ROW}px`;
    const first = Math.max(0, Math.floor(this.box.scrollTop / ROW) - BEYOND);
    const last = Math.min(rows, first + Math.ceil(this.box.clientHeight / ROW) + 2 * BEYOND);
    this.#window.style.top = `${first * ROW}px`;
    this.#window.replaceChildren(
      ...Array.from({ length: Math.max(0, last - first) }, (_, at) => this.#row(first + at, width)),
    );
    if (this.#window.parentNode !== sheet) sheet.replaceChildren(this.#window);
  }

  #row(row: number, width: number): HTMLElement {
    const from = row * width;
    const line = document.createElement("div");
    const columns = rowOf(this.held.slice(from, from + width), this.held.dropped + from, width);
    for (const text of columns) line.appendChild(document.createElement("span")).textContent = text;
    return line;
  }
}
