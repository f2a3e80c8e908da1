/** What text and Markdown have in common: the end of the stream, following it, matches in it. */

import { useLayoutEffect, useRef } from "preact/hooks";
import type { Kept } from "../chunks.js";
import type { View } from "./view.js";

/** Matches that are marked at most. */
const MARKED = 5000;

/** The position from which on the chunks' texts have up to *limit* letters together. */
export function startOf(
  chunks: { length: number; at(position: number): Kept | undefined },
  limit: number,
): number {
  let left = limit;
  let position = chunks.length;
  while (position > 0 && left > 0) {
    position -= 1;
    left -= chunks.at(position)!.text.length;
  }
  return left < 0 && position < chunks.length - 1 ? position + 1 : position;
}

/** Keep the end in sight while it is followed; note when it is left. */
export function useFollowing(view: View) {
  const box = useRef<HTMLDivElement>(null);
  const lastTop = useRef(0);
  const end = () => {
    const element = box.current;
    if (!element) return;
    if (view.isFollowing.peek()) element.scrollTop = element.scrollHeight;
    lastTop.current = element.scrollTop;
  };
  const onScroll = () => {
    const element = box.current;
    // The event may come when the view is gone.
    if (!element) return;
    const isAtEnd = element.scrollTop + element.clientHeight >= element.scrollHeight - 24;
    if (isAtEnd && element.scrollTop > lastTop.current) view.follow(true);
    else if (element.scrollTop < lastTop.current - 1 && !isAtEnd) view.follow(false);
    lastTop.current = element.scrollTop;
  };
  useLayoutEffect(() => {
    const asked = view.wanted.value;
    if (!asked) return;
    const { chunks } = view.feed;
    if (asked.index <= (chunks.first?.index ?? 0)) box.current!.scrollTop = 0;
    view.wanted.value = undefined;
  }, [view.wanted.value]);
  useLayoutEffect(end, [view.isFollowing.value]);
  return { box, end, onScroll };
}

/** Mark what is searched for below *element*, without touching it. Return the places. */
export function mark(view: View, element: HTMLElement): Range[] {
  const ranges: Range[] = [];
  const query = view.feed.search.peek()?.query;
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  while (query && ranges.length < MARKED && walker.nextNode()) {
    const node = walker.currentNode as Text;
    for (const [from, to] of query.ranges(node.data, MARKED - ranges.length)) {
      const range = new Range();
      range.setStart(node, from);
      range.setEnd(node, to);
      ranges.push(range);
    }
  }
  if ("highlights" in CSS) CSS.highlights.set("found", new Highlight(...ranges));
  const { at } = view.places.peek();
  view.places.value = { at: Math.min(at, ranges.length), count: ranges.length };
  return ranges;
}

/** Show place *at* (from 1) of *ranges*. */
export function show(ranges: Range[], at: number, box: HTMLElement): void {
  const range = ranges[at - 1];
  if ("highlights" in CSS) CSS.highlights.set("current", new Highlight(...(range ? [range] : [])));
  if (!range) return;
  // What is folded has no place.
  range.startContainer.parentElement?.closest("details")?.setAttribute("open", "");
  const middle = box.getBoundingClientRect().top + box.clientHeight / 2;
  box.scrollTop += range.getBoundingClientRect().top - middle;
}

export function unmark(): void {
  if ("highlights" in CSS) CSS.highlights.clear();
}
