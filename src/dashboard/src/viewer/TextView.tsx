/** The chunks as one text. */

import { useRef } from "preact/hooks";
import { add } from "./blocks.js";
import { Flowing, type Sheet } from "./Flowing.js";
import { Joiner } from "./text.js";
import type { View } from "./view.js";

/** Letters that are shown before one asks for more. */
const LETTERS = 2 * 2 ** 20;

/** Text in blocks: only the last one is laid out again when something is added. */
class TextSheet implements Sheet {
  #from = -1;
  #next = -1;
  #joiner = new Joiner();
  #begun: unknown;
  #isByLine = false;

  draw({ feed, isByLine }: View, element: HTMLElement, start: number): void {
    const { chunks } = feed;
    const first = chunks.at(start)?.index ?? -1;
    const isSame = chunks.at(start) === this.#begun && isByLine.peek() === this.#isByLine;
    if (!isSame || first !== this.#from) {
      element.replaceChildren();
      this.#isByLine = isByLine.peek();
      this.#joiner = new Joiner(this.#isByLine);
      this.#next = this.#from = first;
      this.#begun = chunks.at(start);
    }
    let text = "";
    for (let position = chunks.position(this.#next); position < chunks.length; position += 1) {
      text += this.#joiner.join(chunks.at(position)!);
      if (text.length > 65_536) {
        add(element, text);
        text = "";
      }
    }
    this.#next = (chunks.last?.index ?? first - 1) + 1;
    if (text) add(element, text);
  }
}

export function TextView({ view }: { view: View }) {
  const sheet = useRef<TextSheet>(undefined);
  sheet.current ??= new TextSheet();
  return (
    <Flowing view={view} sheet={sheet.current} limit={LETTERS} look="text" label="Chunks as text" />
  );
}
