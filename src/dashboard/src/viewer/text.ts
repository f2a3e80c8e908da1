/** Chunks joined to one text. */

import type { Kept } from "../chunks.js";

/** Joins chunk by chunk: strings as they are, unless *byLine*; anything else on a line of its own. */
export class Joiner {
  #isAtLineStart = true;

  constructor(private readonly byLine = false) {}

  join(chunk: Kept): string {
    const { text, isString } = chunk;
    if (isString && !this.byLine) {
      if (text) this.#isAtLineStart = text.endsWith("\n");
      return text;
    }
    const before = this.#isAtLineStart ? "" : "\n";
    this.#isAtLineStart = true;
    return `${before}${text}${isString && text.endsWith("\n") ? "" : "\n"}`;
  }
}

export function joined(chunks: Iterable<Kept>): string {
  const joiner = new Joiner();
  let text = "";
  for (const chunk of chunks) text += joiner.join(chunk);
  return text;
}

/** Letters in one block of text: what is laid out anew when something is added to it. */
export const BLOCK = 8192;

/** Where to end a block of *text*: after a line, or where the block would get too long. */
export function blockEnd(text: string): number | undefined {
  if (text.length < BLOCK) return undefined;
  const line = text.lastIndexOf("\n");
  if (line >= 0) return line + 1;
  if (text.length < 4 * BLOCK) return undefined;
  // Not between the halves of one letter.
  const half = text.charCodeAt(text.length - 1);
  return half >= 0xd800 && half < 0xdc00 ? text.length - 1 : text.length;
}
