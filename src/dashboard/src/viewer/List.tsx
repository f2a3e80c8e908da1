/** Chunks as rows: only those that can be seen exist. */

import { useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { Kept } from "../chunks.js";
import { count } from "../format.js";
import { Row } from "./Row.js";
import { ROW } from "./rows.js";
import { TIME_MODES, type View } from "./view.js";

/** Rows beyond the edges, so that a quick scroll shows no void. */
const BEYOND = 12;

function gapOf(view: View, chunk: Kept): number | undefined {
  const before = view.before(chunk.index);
  return before && chunk.timestamp - before.timestamp;
}

export function List({ view }: { view: View }) {
  const { feed, rows } = view;
  const box = useRef<HTMLDivElement>(null);
  const seen = useSignal({ top: 0, height: 600 });
  const lastTop = useRef(0);
  const search = feed.search.value;
  const isFiltering = view.isFiltering.value;
  void feed.version.value;
  void view.layout.value;
  view.forget();

  const total = rows.top(view.count, view.positionOf);
  const { top, height } = seen.value;
  const from = Math.max(0, rows.at(top, view.count, view.positionOf) - BEYOND);
  const shown = [];
  let at = rows.top(from, view.positionOf);
  for (
    let position = from;
    position < view.count && at < top + height + BEYOND * ROW;
    position += 1
  ) {
    const chunk = view.at(position)!;
    shown.push({ chunk, position, top: at });
    at += rows.height(chunk.index);
  }

  const hold = () => {
    const element = box.current!;
    const position = rows.at(element.scrollTop, view.count, view.positionOf);
    const index = view.at(position)?.index ?? -1;
    view.anchor = { index, offset: element.scrollTop - rows.top(position, view.positionOf) };
  };

  useLayoutEffect(() => {
    view.edge = () => {
      const found = rows.at(box.current?.scrollTop ?? 0, view.count, view.positionOf);
      return view.at(found)?.index;
    };
    const element = box.current!;
    const observer = new ResizeObserver(() => {
      seen.value = { top: element.scrollTop, height: element.clientHeight };
      if (view.isFollowing.peek()) element.scrollTop = element.scrollHeight;
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
    if (element.scrollTop !== seen.peek().top) {
      seen.value = { top: element.scrollTop, height: element.clientHeight };
    }
  }, [feed.version.value, view.layout.value, isFiltering, search, view.isFollowing.value]);

  const { wanted } = view;
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
    const element = box.current!;
    const isAtEnd = element.scrollTop + element.clientHeight >= element.scrollHeight - ROW;
    if (isAtEnd && element.scrollTop > lastTop.current) view.follow(true);
    else if (element.scrollTop < lastTop.current - 1 && !isAtEnd) view.follow(false);
    lastTop.current = element.scrollTop;
    hold();
    seen.value = { top: element.scrollTop, height: element.clientHeight };
  };

  const origin = feed.origin ?? feed.chunks.first?.timestamp ?? 0;
  return (
    <div
      class={`rows times-${view.times.value}`}
      ref={box}
      onScroll={scrolled}
      tabIndex={0}
      role="region"
      aria-label="Chunks"
      id="chunks"
    >
      <div role="table" aria-label="Chunks" aria-rowcount={view.count + 1} aria-colcount={4}>
        <div class="row names" role="row" aria-rowindex={1}>
          <div class="line" role="presentation">
            <span class="index number" role="columnheader">
              Index
            </span>
            <span class="time number" role="columnheader">
              <button
                type="button"
                title={`Time ${TIME_MODES[view.times.value].of}: switch (t)`}
                onClick={() => view.nextTimes()}
              >
                {TIME_MODES[view.times.value].name}
              </button>
            </span>
            <span class="gap number" role="columnheader" title="Time since the chunk before">
              Gap
            </span>
            <span class="value" role="columnheader">
              Value
            </span>
          </div>
        </div>
        <div class="sheet" role="rowgroup" style={{ height: `${total}px` }}>
          {shown.map(({ chunk, position, top }) => (
            <Row
              key={chunk.index}
              view={view}
              chunk={chunk}
              position={position}
              top={top}
              query={search?.query}
              isOpen={rows.isOpen(chunk.index)}
              gap={gapOf(view, chunk)}
              origin={origin}
            />
          ))}
        </div>
      </div>
      {!view.count && search && isFiltering && feed.chunks.length > 0 && (
        <p class="empty">
          None of {count(feed.chunks.length)} chunks matches “{search.query.text}”.
        </p>
      )}
    </div>
  );
}
