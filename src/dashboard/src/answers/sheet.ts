/** An answer on the page: its texts in the open, the rest folded. */

import type { Chunks } from "../chunks.js";
import type { Sheet } from "../viewer/Flowing.js";
import type { View } from "../viewer/view.js";
import { Answer, type Segment } from "./answer.js";
import { add } from "../viewer/blocks.js";

/** Letters that are gathered before they are laid out. */
const PORTION = 65_536;

/** Lays out what was added to a text. */
export type Write = (box: HTMLElement, segment: Segment, added: string) => void;

/** Only what is added is laid out, by *write* where it is text. */
export class AnswerSheet implements Sheet {
  #answer = new Answer({ isByLine: false, path: "" });
  #boxes = new Map<Segment, HTMLElement>();
  #from = -1;
  #next = -1;
  #begun: unknown;
  #manner = "";
  #segment: Segment | undefined;
  #added = "";

  constructor(private readonly write: Write) {}

  draw(view: View, element: HTMLElement, start: number): void {
    const { feed } = view;
    const { chunks } = feed;
    this.#beginAnew(view, element, start);
    for (let position = chunks.position(this.#next); position < chunks.length; position += 1) {
      const chunk = chunks.at(position)!;
      if (!feed.counts(chunk.index)) continue;
      this.#answer.take(chunk, (segment, added) => this.#take(segment, added, element));
    }
    this.#next = nextOf(chunks, this.#from);
    this.#flush(element);
  }

  /** Forget what was drawn, unless it is of the same chunks, read in the same manner. */
  #beginAnew(
    { feed: { chunks, superseded }, isByLine, path }: View,
    element: HTMLElement,
    start: number,
  ): void {
    const manner = { isByLine: isByLine.peek(), path: path.peek() };
    const begun = chunks.at(start);
    const isSame = begun === this.#begun && (begun?.index ?? -1) === this.#from;
    const read = JSON.stringify([manner, superseded]);
    if (isSame && read === this.#manner) return;
    element.replaceChildren();
    this.#answer = new Answer(manner);
    this.#boxes.clear();
    this.#segment = undefined;
    this.#manner = read;
    this.#next = this.#from = begun?.index ?? -1;
    this.#begun = begun;
  }

  #take(segment: Segment, added: string, element: HTMLElement): void {
    if (segment !== this.#segment || this.#added.length > PORTION) this.#flush(element);
    this.#segment = segment;
    this.#added += added;
    segment.text += added;
  }

  #flush(element: HTMLElement): void {
    const [segment, added] = [this.#segment, this.#added];
    this.#segment = undefined;
    this.#added = "";
    if (!segment) return;
    let box = this.#boxes.get(segment);
    if (!box) this.#boxes.set(segment, (box = element.appendChild(boxOf(segment))));
    const content = box.querySelector<HTMLElement>(".folded") ?? box;
    if (segment.kind === "text") this.write(content, segment, added);
    else add(content, added);
  }
}

const nextOf = ({ last }: Chunks, from: number): number => (last?.index ?? from - 1) + 1;

function boxOf({ kind, name }: Segment): HTMLElement {
  const box = document.createElement(kind === "text" || kind === "error" ? "div" : "details");
  box.className = kind === "text" ? "part" : `part ${kind}`;
  if (box instanceof HTMLDetailsElement) {
    const summary = document.createElement("summary");
    summary.textContent = name;
    const content = document.createElement("div");
    content.className = "folded";
    box.append(summary, content);
  }
  return box;
}
