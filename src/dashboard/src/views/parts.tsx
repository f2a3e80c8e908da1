/** Small things that several views are made of. */

import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { StreamInfo } from "../api.js";
import { copy } from "../clipboard.js";
import { clock } from "../clock.js";
import { age, count, moment, visible, visibleLines } from "../format.js";
import { isLost, leaseOf, markOf, type Mark } from "../words.js";

/** What is told to who listens rather than looks, and shown for a moment. */
const said = signal("");
let silence: ReturnType<typeof setTimeout> | undefined;

export function say(text: string): void {
  said.value = text;
  clearTimeout(silence);
  silence = setTimeout(() => (said.value = ""), 2500);
}

export function Said() {
  return (
    <div class={said.value ? "said" : "said unseen"} role="status">
      {said.value}
    </div>
  );
}

/** Somebody else's name: on one line, in its own direction, and no more than a name. */
export function Name({ children }: { children: string }) {
  return <bdi class="name">{visible(children)}</bdi>;
}

/** How long ago that was; on hover, when. */
export function Age({ of }: { of: number }) {
  return (
    <time dateTime={new Date(of).toISOString()} title={moment(of)}>
      {age(of, clock.second.value)}
    </time>
  );
}

/** A state: a word, and a colour that is not needed to understand it. */
export function Pill({ mark, children }: { mark: Mark; children: ComponentChildren }) {
  return (
    <span class={`pill ${mark}`}>
      <i class="dot" aria-hidden="true" />
      {children}
    </span>
  );
}

export function StreamPill({ info }: { info: StreamInfo }) {
  return <Pill mark={markOf(info)}>{info.closed?.status ?? "open"}</Pill>;
}

/** What is to be said beside a stream's state. */
export function StreamTags({ info }: { info: StreamInfo }) {
  const lease = leaseOf(info, clock.second.value);
  return (
    <>
      {info.stop && (
        <span class="tag" title="Somebody asked the producer to stop">
          stop asked
        </span>
      )}
      {isLost(info) && (
        <span class="tag" title="Nothing was heard of it in time">
          producer lost
        </span>
      )}
      {info.fence > 0 && (
        <span class="tag" title="Each time, those who wrote before were kept out">
          taken over{info.fence > 1 && ` ${info.fence} times`}
        </span>
      )}
      {info.superseded.length > 0 && (
        <span class="tag" title="Chunks that no longer count: readers leave them out">
          {count(supersededOf(info))} superseded
        </span>
      )}
      {lease && (
        <small title="Its producer has promised to be heard of: silence does not mean that it is gone">
          sign of its producer {lease}
        </small>
      )}
    </>
  );
}

const supersededOf = ({ superseded }: StreamInfo): number =>
  superseded.reduce((sum, [start, end]) => sum + end - start, 0);

/** Why something ended. */
export function Reason({ text }: { text: string | null }) {
  if (!text) return null;
  return (
    <p class="reason" tabIndex={0}>
      {visibleLines(text)}
    </p>
  );
}

/** A button that copies *text*, and says so. */
export function Copy({
  text,
  what,
  label,
}: {
  text: string | (() => string);
  what: string;
  label?: string;
}) {
  const [isDone, setDone] = useState(false);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const click = async (event: Event) => {
    event.stopPropagation();
    event.preventDefault();
    try {
      await copy(typeof text === "string" ? text : text());
      say(`Copied ${what}`);
      setDone(true);
      clearTimeout(timer.current);
      timer.current = setTimeout(() => setDone(false), 1500);
    } catch (error) {
      say(`Not copied: ${(error as Error).message}`);
    }
  };
  return (
    <button
      type="button"
      class={label ? "button" : "icon"}
      title={`Copy ${what}`}
      aria-label={`Copy ${what}`}
      onClick={click}
    >
      <Icon name={isDone ? "check" : "copy"} />
      {label}
    </button>
  );
}

const ICONS = {
  back: "M10 3 5 8l5 5",
  check: "m3 8.5 3.5 3.5L13 4.5",
  close: "m4 4 8 8m0-8-8 8",
  copy: "M5.5 5.5h7v8h-7zM3.5 10.5v-8h7",
  down: "M8 3v10m-4-4 4 4 4-4",
  download: "M8 2v8m-3.5-3L8 10.5 11.5 7M3 13.5h10",
  filter: "M2 3.5h12L9.5 9v4l-3-1.5V9z",
  fold: "m6 4 4 4-4 4",
  lines: "M3 4h10M3 8h10M3 12h10",
  link: "M6.5 9.5 9.5 6.5M7 5l1.5-1.5a2.6 2.6 0 0 1 4 4L11 9M9 11l-1.5 1.5a2.6 2.6 0 0 1-4-4L5 7",
  next: "m4 6 4 4 4-4",
  pause: "M5.5 3v10m5-10v10",
  play: "m5 3 8 5-8 5z",
  previous: "m4 10 4-4 4 4",
  search: "M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10m3.5-1.5L14 14",
  theme: "M8 2a6 6 0 1 0 0 12 6 6 0 0 0 0-12v12m2-11v10m2-8v6",
  up: "M8 13V3M4 7l4-4 4 4",
} as const;

export function Icon({ name }: { name: keyof typeof ICONS }) {
  return (
    <svg class="glyph" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      <path d={ICONS[name]} />
    </svg>
  );
}
