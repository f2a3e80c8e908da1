/** Where the list is scrolled to, and what stays there when chunks come and go. */

import { useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { ROW } from "./rows.js";
import type { View } from "./view.js";

export function useScrolling(view: View) {
  const { feed, rows, wanted } = view;
  const box = useRef<HTMLDivElement>(null);
  const seen = useSignal({ top: 0, height: 600 });
  const lastTop = useRef(0);

  /** Remember the row at the upper edge. */
  const hold = () => {
    const element = box.current!;
    const position = rows.at(element.scrollTop, view.count, view.positionOf);
    const index = view.at(position)?.index ?? -1;
    view.anchor = { index, offset: element.scrollTop - rows.top(position, view.positionOf) };
  };

  const note = () => {
    const { scrollTop: top, clientHeight: height } = box.current!;
    const before = seen.peek();
    if (top !== before.top || height !== before.height) seen.value = { top, height };
  };

  useLayoutEffect(() => {
    view.edge = () => {
      const found = rows.at(box.current?.scrollTop ?? 0, view.count, view.positionOf);
      return view.at(found)?.index;
    };
    const element = box.current!;
    const observer = new ResizeObserver(() => {
      if (view.isFollowing.peek()) element.scrollTop = element.scrollHeight;
      note();
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  // After each change, what is looked at stays where it is.
  useLayoutEffect(() => {
    const element = box.current!;
    const { index, offset } = view.anchor;
    if (view.isFollowing.peek()) {
      element.scrollTop = element.scrollHeight;
    } else if (index >= 0) {
      const wanted = rows.top(Math.min(view.near(index), view.count - 1), view.positionOf) + offset;
      if (Math.abs(wanted - element.scrollTop) >= 1) element.scrollTop = wanted;
    }
    if (index < 0) hold();
    lastTop.current = element.scrollTop;
    note();
  }, [
    feed.version.value,
    feed.search.value,
    view.layout.value,
    view.isFiltering.value,
    view.isFollowing.value,
  ]);

  // And what is asked for comes in sight.
  useLayoutEffect(() => {
    const asked = wanted.value;
    const element = box.current!;
    if (!asked || !view.count) return;
    const position = Math.min(view.near(asked.index), view.count - 1);
    const place = rows.top(position, view.positionOf);
    const end = place + rows.height(view.at(position)!.index);
    const isSeen =
      place >= element.scrollTop && end <= element.scrollTop + element.clientHeight - ROW;
    if (asked.at === "top") element.scrollTop = place;
    else if (!isSeen && place < element.scrollTop) element.scrollTop = place - 2 * ROW;
    else if (!isSeen) element.scrollTop = Math.min(place, end - element.clientHeight + 3 * ROW);
    wanted.value = undefined;
    hold();
  }, [wanted.value, feed.version.value]);

  const scrolled = () => {
    const element = box.current;
    // The event may come when the list is gone.
    if (!element) return;
    const isAtEnd = element.scrollTop + element.clientHeight >= element.scrollHeight - ROW;
    if (isAtEnd && element.scrollTop > lastTop.current) view.follow(true);
    else if (element.scrollTop < lastTop.current - 1 && !isAtEnd) view.follow(false);
    lastTop.current = element.scrollTop;
    hold();
    note();
  };

  return { box, seen, scrolled };
}
