/** Bytes as the text that they are. */

import { add } from "../viewer/blocks.js";
import { BLOCK } from "../viewer/text.js";
import type { Held } from "./held.js";

/** Bytes that are shown as text at most: the last ones. */
export const SHOWN = 2 * 2 ** 20;

/** Blocks of it: those before leave the page. */
const BLOCKS = (2 * SHOWN) / BLOCK;

export class WordSheet {
  #decoder: TextDecoder;
  /** The place in the stream of what comes next. */
  #next: number;

  constructor(
    private readonly box: HTMLElement,
    private readonly held: Held,
    contentType: string,
  ) {
    this.#decoder = decoderOf(contentType);
    this.#next = held.dropped + Math.max(0, held.length - SHOWN);
    const sheet = box.firstElementChild as HTMLElement;
    sheet.style.height = "";
    sheet.replaceChildren();
  }

  draw(): void {
    const sheet = this.box.firstElementChild as HTMLElement;
    const from = Math.max(this.#next - this.held.dropped, this.held.length - SHOWN, 0);
    const text = this.#decoder.decode(this.held.slice(from), { stream: true });
    this.#next = this.held.dropped + this.held.length;
    add(sheet, text);
    while (sheet.childElementCount > BLOCKS) sheet.firstElementChild!.remove();
  }
}

function decoderOf(contentType: string): TextDecoder {
  const charset = /charset="?([\w-]+)/i.exec(contentType)?.[1] ?? "utf-8";
  try {
    return new TextDecoder(charset);
  } catch {
    return new TextDecoder();
  }
}
