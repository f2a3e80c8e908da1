/** Chunks as rows: only those that can be seen exist. */

import type { Kept } from "../chunks.js";
import { count } from "../format.js";
import { Row } from "./Row.js";
import { ROW } from "./rows.js";
import { useScrolling } from "./scrolling.js";
import { TIME_MODES, type View } from "./view.js";

/** Rows beyond the edges, so that a quick scroll shows no void. */
const BEYOND = 12;

interface Shown {
  chunk: Kept;
  position: number;
  top: number;
}

/** The rows between *top* and *height* more pixels, and some beyond. */
function rowsIn(view: View, top: number, height: number): Shown[] {
  const { rows } = view;
  const shown: Shown[] = [];
  let position = Math.max(0, rows.at(top, view.count, view.positionOf) - BEYOND);
  let at = rows.top(position, view.positionOf);
  while (position < view.count && at < top + height + BEYOND * ROW) {
    const chunk = view.at(position)!;
    shown.push({ chunk, position, top: at });
    at += rows.height(chunk.index);
    position += 1;
  }
  return shown;
}

function gapOf(view: View, chunk: Kept): number | undefined {
  const before = view.before(chunk.index);
  return before && chunk.timestamp - before.timestamp;
}

export function List({ view }: { view: View }) {
  const { feed, rows } = view;
  const { box, seen, scrolled } = useScrolling(view);
  const search = feed.search.value;
  const isFiltering = view.isFiltering.value;
  void feed.version.value;
  void view.layout.value;
  view.forget();

  const total = rows.top(view.count, view.positionOf);
  const shown = rowsIn(view, seen.value.top, seen.value.height);
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
        <Names view={view} />
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

function Names({ view }: { view: View }) {
  const times = TIME_MODES[view.times.value];
  return (
    <div class="row names" role="row" aria-rowindex={1}>
      <div class="line" role="presentation">
        <span class="index number" role="columnheader">
          Index
        </span>
        <span class="time number" role="columnheader">
          <button
            type="button"
            title={`Time ${times.of}: switch (t)`}
            onClick={() => view.nextTimes()}
          >
            {times.name}
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
  );
}
