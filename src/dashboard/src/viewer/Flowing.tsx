/** The chunks as one text, or as the Markdown that it is. */

import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { size } from "../format.js";
import { mark, show, startOf, unmark, useFollowing } from "./flow.js";
import { blockEnd, Joiner, joined } from "./text.js";
import type { View } from "./view.js";

const MIB = 2 ** 20;

/** Letters of text that are shown before one asks for more. */
const TEXT_LETTERS = 2 * MIB;
/** Markdown is read anew as it grows, so there is less of it. */
const MARKDOWN_LETTERS = MIB / 8;

interface Sheet {
  /** Show what there is, from *start* on, in *element*. */
  draw(view: View, element: HTMLElement, start: number): void;
}

function Flowing({
  view,
  sheet,
  limit,
  look,
  label,
  children,
}: {
  view: View;
  sheet: Sheet | undefined;
  limit: number;
  look: string;
  label: string;
  children?: ComponentChildren;
}) {
  const { feed, places } = view;
  const { box, end, onScroll } = useFollowing(view);
  const content = useRef<HTMLDivElement>(null);
  const letters = useSignal(limit);
  const ranges = useRef<Range[]>([]);
  const start = useRef(0);
  const { chunks } = feed;
  void feed.version.value;
  const drawn = view.drawn.value;
  const search = feed.search.value;
  const isCut = chunks.bytes > letters.value;

  useLayoutEffect(() => {
    const first = chunks.first?.index ?? 0;
    start.current = isCut ? keptStart(start.current, view, letters.value) : first;
    sheet?.draw(view, content.current!, chunks.position(start.current));
    end();
  }, [feed.version.value, sheet, letters.value, view.isByLine.value]);

  useEffect(() => {
    const timer = setTimeout(() => {
      if (content.current) ranges.current = mark(view, content.current);
    }, 100);
    return () => clearTimeout(timer);
  }, [feed.version.value, drawn, search, sheet, view.isByLine.value]);
  useLayoutEffect(end, [drawn]);
  useEffect(() => show(ranges.current, places.value.at, box.current!), [places.value.at]);
  useEffect(() => unmark, []);
  useLayoutEffect(() => {
    // Blocks that were never seen have a guessed height; it changes when they are.
    const observer = new ResizeObserver(end);
    observer.observe(content.current!);
    return () => observer.disconnect();
  }, []);

  return (
    <div
      class={`flow ${look}`}
      ref={box}
      onScroll={onScroll}
      tabIndex={0}
      role="region"
      aria-label={label}
      id="chunks"
    >
      {isCut && (
        <p class="banner">
          The last {size(letters.value)} of {size(chunks.bytes)}.{" "}
          <button type="button" class="button" onClick={() => (letters.value *= 4)}>
            Show more
          </button>
        </p>
      )}
      {children}
      <div ref={content} class="sheet" dir="auto" />
    </div>
  );
}

/** The index to begin at: the one before, for as long as that is not half as much again. */
function keptStart(before: number, { feed }: View, limit: number): number {
  const { chunks } = feed;
  const first = chunks.at(startOf(chunks, limit))?.index ?? 0;
  const most = chunks.at(startOf(chunks, limit * 1.5))?.index ?? 0;
  return before > first || before < most ? first : before;
}

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

function add(element: HTMLElement, text: string): void {
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

export function TextView({ view }: { view: View }) {
  const sheet = useRef<TextSheet>(undefined);
  sheet.current ??= new TextSheet();
  return (
    <Flowing
      view={view}
      sheet={sheet.current}
      limit={TEXT_LETTERS}
      look="text"
      label="Chunks as text"
    />
  );
}

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
      limit={MARKDOWN_LETTERS}
      look="markdown"
      label="Chunks as Markdown"
    >
      {error.value && (
        <p class="banner">Markdown could not be loaded: {error.value}. Reload the page.</p>
      )}
    </Flowing>
  );
}
