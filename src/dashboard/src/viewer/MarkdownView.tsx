/** The chunks as the Markdown that they are, joined. */

import type { AnswerSheet } from "../answers/sheet.js";
import { useSheet } from "./answers.js";
import { Flowing, type Sheet } from "./Flowing.js";
import type { View } from "./view.js";

/** Markdown is read anew as it grows, so there is less of it at first than of text. */
const LETTERS = 128 * 1024;

type Renderer = typeof import("../markdown.js");
type Answers = typeof import("../answers.js");

/** Markdown part by part: those that have not changed stay as they are. */
class MarkdownSheet implements Sheet {
  #answer: AnswerSheet;
  /** Texts that have grown, and where they are shown. */
  #grown = new Map<HTMLElement, { text: string }>();
  #raws = new WeakMap<HTMLElement, string[]>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #cost = 0;
  #last = 0;

  constructor(
    private readonly renderer: Renderer,
    { AnswerSheet }: Answers,
    private readonly drawn: () => void,
  ) {
    this.#answer = new AnswerSheet((box, segment) => this.#grown.set(box, segment));
  }

  draw(view: View, element: HTMLElement, start: number): void {
    this.#answer.draw(view, element, start);
    if (this.#timer) return;
    // It takes longer the longer the text is: a quarter of the time is enough for it.
    const wait = this.#last + Math.max(50, this.#cost * 3) - performance.now();
    this.#timer = setTimeout(() => this.#renderAll(), Math.max(0, wait));
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #renderAll(): void {
    this.#timer = undefined;
    const begun = performance.now();
    for (const [box, { text }] of this.#grown) this.#render(text, box);
    this.#grown.clear();
    this.#last = performance.now();
    this.#cost = this.#last - begun;
    this.drawn();
  }

  #render(text: string, element: HTMLElement): void {
    const parts = this.renderer.partsOf(text);
    const raws = this.#raws.get(element) ?? [];
    let same = 0;
    while (same < parts.length && parts[same]!.raw === raws[same]) same += 1;
    while (element.childElementCount > same) element.lastElementChild!.remove();
    for (const part of parts.slice(same)) {
      const box = document.createElement("div");
      box.append(this.renderer.elementsOf(part));
      // What may be wider than the screen is scrolled by keys, too.
      for (const wide of box.querySelectorAll<HTMLElement>("pre, table")) wide.tabIndex = 0;
      element.append(box);
    }
    this.#raws.set(
      element,
      parts.map(({ raw }) => raw),
    );
  }
}

export function MarkdownView({ view }: { view: View }) {
  const { sheet, error } = useSheet(async () => {
    const [renderer, answers] = await Promise.all([
      import("../markdown.js"),
      import("../answers.js"),
    ]);
    return new MarkdownSheet(renderer, answers, () => view.drawn.value++);
  });
  return (
    <Flowing view={view} sheet={sheet} limit={LETTERS} look="markdown" label="Chunks as Markdown">
      {error && <p class="banner">Markdown could not be loaded: {error}. Reload the page.</p>}
    </Flowing>
  );
}
