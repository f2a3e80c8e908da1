/** The chunks as the Markdown that they are, joined. */

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Flowing, type Sheet } from "./Flowing.js";
import { joined } from "./text.js";
import type { View } from "./view.js";

/** Markdown is read anew as it grows, so there is less of it at first than of text. */
const LETTERS = 128 * 1024;

type Renderer = typeof import("../markdown.js");

/** Markdown part by part: those that have not changed stay as they are. */
class MarkdownSheet implements Sheet {
  #raws: string[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #cost = 0;
  #last = 0;

  constructor(
    private readonly renderer: Renderer,
    private readonly drawn: () => void,
  ) {}

  draw(view: View, element: HTMLElement, start: number): void {
    if (this.#timer) return;
    // It takes longer the longer the text is: a quarter of the time is enough for it.
    const wait = this.#last + Math.max(50, this.#cost * 3) - performance.now();
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        const begun = performance.now();
        const { chunks } = view.feed;
        this.#render(joined(chunks.slice(Math.min(start, chunks.length), chunks.length)), element);
        this.#last = performance.now();
        this.#cost = this.#last - begun;
        this.drawn();
      },
      Math.max(0, wait),
    );
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #render(text: string, element: HTMLElement): void {
    const parts = this.renderer.partsOf(text);
    let same = 0;
    while (same < parts.length && parts[same]!.raw === this.#raws[same]) same += 1;
    while (element.childElementCount > same) element.lastElementChild!.remove();
    for (const part of parts.slice(same)) {
      const box = document.createElement("div");
      box.append(this.renderer.elementsOf(part));
      // What may be wider than the screen is scrolled by keys, too.
      for (const wide of box.querySelectorAll<HTMLElement>("pre, table")) wide.tabIndex = 0;
      element.append(box);
    }
    this.#raws = parts.map(({ raw }) => raw);
  }
}

export function MarkdownView({ view }: { view: View }) {
  const sheet = useSignal<MarkdownSheet | undefined>(undefined);
  const error = useSignal("");
  useEffect(() => {
    let isGone = false;
    import("../markdown.js").then(
      (renderer) => {
        if (!isGone) sheet.value = new MarkdownSheet(renderer, () => view.drawn.value++);
      },
      (reason: Error) => (error.value = reason.message),
    );
    return () => {
      isGone = true;
      sheet.peek()?.stop();
    };
  }, []);
  return (
    <Flowing
      view={view}
      sheet={sheet.value}
      limit={LETTERS}
      look="markdown"
      label="Chunks as Markdown"
    >
      {error.value && (
        <p class="banner">Markdown could not be loaded: {error.value}. Reload the page.</p>
      )}
    </Flowing>
  );
}
