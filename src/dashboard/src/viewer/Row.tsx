/** One chunk: a line of its list, and what it shows when it is open. */

import { useLayoutEffect, useRef } from "preact/hooks";
import type { Kept } from "../chunks.js";
import { count, duration, moment, size, time } from "../format.js";
import { format } from "../route.js";
import type { Query } from "../search.js";
import { Copy, Icon } from "../views/parts.js";
import { LongText } from "./LongText.js";
import { Pieces } from "./Pieces.js";
import { Tree } from "./Tree.js";
import type { TimeMode, View } from "./view.js";

interface Props {
  view: View;
  chunk: Kept;
  position: number;
  top: number;
  query: Query | undefined;
  isOpen: boolean;
  /** Milliseconds since the chunk before, where that one is held. */
  gap: number | undefined;
  /** The time of the first chunk. */
  origin: number;
}

export function Row({ view, chunk, position, top, query, isOpen, gap, origin }: Props) {
  const isSelected = view.selected.value === chunk.index;
  const element = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    if (!isOpen) return;
    const measure = () => view.measured(chunk.index, element.current!.offsetHeight);
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element.current!);
    return () => observer.disconnect();
  }, [isOpen, chunk.index]);
  const isSuperseded = !view.feed.counts(chunk.index);
  const look = `row ${isSuperseded ? "superseded" : ""} ${isOpen ? "open" : ""} ${isSelected ? "selected" : ""} ${isSelected && query ? "match" : ""}`;
  return (
    <div
      ref={element}
      class={look}
      role="row"
      aria-rowindex={position + 2}
      aria-selected={isSelected}
      data-index={chunk.index}
      style={{ transform: `translateY(${top}px)` }}
    >
      <div
        class="line"
        role="presentation"
        onClick={(event) => {
          if (getSelection()?.type === "Range" || (event.target as Element).closest("a, button"))
            return;
          view.selected.value = chunk.index;
          view.toggle(chunk.index);
        }}
      >
        <span class="index number" role="cell">
          <button
            type="button"
            class="fold"
            tabIndex={-1}
            aria-expanded={isOpen}
            aria-label={`Chunk ${chunk.index}`}
            onClick={() => {
              view.selected.value = chunk.index;
              view.toggle(chunk.index);
            }}
          >
            <Icon name="fold" />
          </button>
          {count(chunk.index)}
        </span>
        <span class="time number" role="cell" title={moment(chunk.timestamp)}>
          {timeOf(view.times.value, chunk, origin, gap)}
        </span>
        <span
          class={`gap number ${gap !== undefined && gap >= LONG_GAP ? "slow" : ""}`}
          role="cell"
        >
          {gap === undefined ? "" : duration(gap)}
        </span>
        <span class="value" role="cell" dir="auto" title={isSuperseded ? SUPERSEDED : undefined}>
          {isSuperseded && <span class="unseen">{SUPERSEDED}: </span>}
          <Pieces text={chunk.text} isJson={!chunk.isString} query={query} />
        </span>
      </div>
      {isOpen && <Opened view={view} chunk={chunk} query={query} />}
    </div>
  );
}

const SUPERSEDED = "Superseded: a writer has begun anew from here, and readers leave it out";

/** From here on a gap is one that somebody who waits would notice. */
const LONG_GAP = 1000;

function timeOf(mode: TimeMode, chunk: Kept, origin: number, gap: number | undefined): string {
  if (mode === "clock") return time(chunk.timestamp);
  if (mode === "before") return gap === undefined ? "–" : `+${duration(gap)}`;
  const since = chunk.timestamp - origin;
  return since < 0 ? duration(since) : `+${duration(since)}`;
}

function Opened({ view, chunk, query }: { view: View; chunk: Kept; query: Query | undefined }) {
  const { run, key } = view.feed;
  const link = () => location.origin + location.pathname + format({ run, key, at: chunk.index });
  return (
    <div class="opened" role="cell">
      <div class="tools">
        <span title="When it was appended">{moment(chunk.timestamp)}</span>
        <span>{size(new Blob([chunk.text]).size)}</span>
        <Copy text={chunk.text} what={`chunk ${chunk.index}`} label="Copy" />
        <Copy text={link} what={`link to chunk ${chunk.index}`} label="Copy link" />
      </div>
      {chunk.isString ? (
        <LongText text={chunk.text} query={query} />
      ) : (
        <Tree json={chunk.text} folds={view.foldsOf(chunk.index)} />
      )}
    </div>
  );
}
