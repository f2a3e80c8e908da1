/** Text in blocks: those out of sight are not laid out. */

import { blockEnd } from "./text.js";

/** Add *text* to the last block of *element*, or to new ones. */
export function add(element: HTMLElement, text: string): void {
  let rest = text;
  while (rest) {
    const last = element.lastElementChild as HTMLElement | null;
    const block =
      last && !last.hasAttribute("data-full")
        ? last
        : element.appendChild(document.createElement("div"));
    const before = block.textContent!;
    const piece = rest.slice(0, 16_384);
    const whole = before + piece;
    const cut = blockEnd(whole);
    if (cut === undefined) {
      block.append(piece);
      block.normalize();
      rest = rest.slice(piece.length);
      continue;
    }
    end(block, whole.slice(0, cut));
    rest = whole.slice(cut) + rest.slice(piece.length);
  }
}

/** Pixels of a line, as the style has it. */
const LINE = 20;

/** Give a block its last text, and a height for as long as it is out of sight. */
function end(block: HTMLElement, text: string): void {
  block.textContent = text;
  block.setAttribute("data-full", "");
  block.style.containIntrinsicBlockSize = `auto ${text.split("\n").length * LINE}px`;
}
