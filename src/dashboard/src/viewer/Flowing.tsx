/** The chunks as one flow, the end of it in sight: what text and Markdown have in common. */

import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { size } from "../format.js";
import { mark, show, startOf, unmark, useFollowing } from "./flow.js";
import type { View } from "./view.js";

/** What the chunks are drawn on. */
export interface Sheet {
  /** Show what there is, from *start* on, in *element*. */
  draw(view: View, element: HTMLElement, start: number): void;
}

interface Props {
  view: View;
  sheet: Sheet | undefined;
  /** Letters that are shown before one asks for more. */
  limit: number;
  look: string;
  label: string;
  children?: ComponentChildren;
}

export function Flowing({ view, sheet, limit, look, label, children }: Props) {
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
  }, [feed.version.value, sheet, letters.value, view.isByLine.value, view.path.value]);

  useEffect(() => {
    const timer = setTimeout(() => {
      if (content.current) ranges.current = mark(view, content.current);
    }, 100);
    return () => clearTimeout(timer);
  }, [feed.version.value, drawn, search, sheet, view.isByLine.value, view.path.value]);
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
