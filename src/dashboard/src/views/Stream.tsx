/** One stream: its chunks, live. */

import { useEffect, useMemo, useRef } from "preact/hooks";
import { useSignal } from "@preact/signals";
import type { Api, StreamInfo } from "../api.js";
import { ApiError } from "../api.js";
import { BOUNDS } from "../chunks.js";
import { copy } from "../clipboard.js";
import { count, counted, visible, visibleLines } from "../format.js";
import { note, route } from "../navigation.js";
import { Poller } from "../refresh.js";
import { format, MODES, type Mode } from "../route.js";
import type { OneRun } from "../runs.js";
import { Connection, Figures } from "../viewer/Figures.js";
import { EARLIER, Feed } from "../viewer/feed.js";
import { MarkdownView, TextView } from "../viewer/Flowing.js";
import { Help, isHelpOpen } from "../viewer/Help.js";
import { isElsewhere } from "../viewer/keys.js";
import { List } from "../viewer/List.js";
import { Toolbar, type Acts } from "../viewer/Toolbar.js";
import { View } from "../viewer/view.js";
import { favicon, title } from "../title.js";
import { Copy, Icon, Name, say, StreamPill } from "./parts.js";
import { Trouble } from "./Trouble.js";

const EVERY_MS = 4000;

/** Of a stream that is too large to be held, the end is read first. */
const LAST = 20_000;

export function Stream({
  api,
  run,
  streamKey,
  one,
}: {
  api: Api;
  run: string;
  streamKey: string;
  one: OneRun | undefined;
}) {
  const info = useSignal<StreamInfo | undefined>(undefined);
  const error = useSignal<unknown>(undefined);
  const view = useSignal<View | undefined>(undefined);

  useEffect(() => {
    const { at, view: mode } = route.peek();
    const open = (found?: StreamInfo) => {
      if (view.peek()) return;
      const opened = new View(new Feed(api, run, streamKey, at ?? firstWanted(found), found?.tail));
      opened.mode.value = mode ?? "list";
      // What goes on is followed; what is over is read from where it begins, or from where one asked.
      opened.follow(at === undefined && !found?.closed);
      opened.unseenFrom.value = found?.tail ?? 0;
      view.value = opened;
      void learnOrigin(api, opened.feed, found);
    };
    const poller = new Poller(
      (signal) => api.stream(run, streamKey, signal).catch(unlessMissing),
      (found) => {
        info.value = found;
        error.value = undefined;
        open(found);
      },
      EVERY_MS,
    );
    const forget = poller.error.subscribe((reason) => {
      error.value = reason;
      const status = reason instanceof ApiError ? reason.status : 0;
      if (reason !== undefined && status !== 401 && status !== 403) open();
    });
    return () => {
      forget();
      poller.stop();
      view.peek()?.feed.stop();
      view.value = undefined;
    };
  }, [api, run, streamKey]);

  const refusal = useMemo(() => error.value, [error.value]);
  if (!view.value) {
    return (
      <main class="page">
        <Head run={run} streamKey={streamKey} info={info.value} />
        {refusal !== undefined ? (
          <Trouble error={refusal} wanted={`read:streams:${run}/${streamKey}`} />
        ) : (
          <p class="empty">Asking…</p>
        )}
      </main>
    );
  }
  return <Viewer api={api} view={view.value} info={info.value} one={one} error={refusal} />;
}

function firstWanted(info: StreamInfo | undefined): number | undefined {
  if (!info) return undefined;
  const { tail, first_index, bytes } = info;
  const count = tail - first_index;
  if (count <= BOUNDS.chunks && bytes <= BOUNDS.bytes) return undefined;
  const fitting = Math.ceil((count * BOUNDS.bytes) / 2 / Math.max(1, bytes));
  return Math.max(first_index, tail - Math.min(LAST, fitting));
}

/** Find out when the first chunk was written, where it is not among those that are read. */
async function learnOrigin(api: Api, feed: Feed, info: StreamInfo | undefined): Promise<void> {
  if (!info?.tail || info.first_index > 0) return;
  try {
    const { chunks } = await api.chunks(feed.run, feed.key, 0, 1);
    feed.origin ??= chunks[0]?.timestamp;
  } catch {
    // It is shown as not known.
  }
}

function unlessMissing(error: unknown): undefined {
  if (!(error instanceof ApiError && error.isMissing)) throw error;
  return undefined;
}

function Head({
  run,
  streamKey,
  info,
}: {
  run: string;
  streamKey: string;
  info: StreamInfo | undefined;
}) {
  return (
    <header class="head">
      <h1>
        <Name>{streamKey}</Name> <Copy text={streamKey} what="stream key" />
      </h1>
      {info && <StreamPill info={info} />}
      {info?.stop && (
        <span class="tag" title="Somebody asked the producer to stop">
          stop asked
        </span>
      )}
      {info?.closed?.error && <p class="reason">{visibleLines(info.closed.error)}</p>}
      <span class="unseen">of run {visible(run)}</span>
    </header>
  );
}

interface ViewerProps {
  api: Api;
  view: View;
  info: StreamInfo | undefined;
  one: OneRun | undefined;
  error: unknown;
}

function Viewer({ api, view, info, one, error }: ViewerProps) {
  const { feed } = view;
  const acts = useMemo(() => actsOf(view), [view]);
  const state = feed.state.value;
  useEffect(() => {
    const press = (event: KeyboardEvent) => pressed(event, view, acts);
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, [view]);
  useFollowedLinks(view, acts);
  const end = info?.closed?.status;
  useEffect(() => {
    const isFailed = state === "failed" || end === "failed";
    favicon(isFailed ? "failed" : state === "live" ? "live" : "icon");
    const mark = isFailed ? "✗ " : end ? "✓ " : state === "live" ? "" : "… ";
    title(mark + feed.key, feed.run);
    return () => favicon("icon");
  }, [state, end]);
  const mode = view.mode.value;
  return (
    <main class="page viewer">
      <div class="title-line">
        <Head run={feed.run} streamKey={feed.key} info={info} />
        <Connection feed={feed} />
      </div>
      <Figures feed={feed} info={info} run={one?.info.value} />
      <Toolbar view={view} acts={acts} api={api} info={info} />
      <Notices view={view} error={error} />
      <div class="stage">
        {mode === "list" ? (
          <List view={view} />
        ) : mode === "text" ? (
          <TextView view={view} />
        ) : (
          <MarkdownView view={view} />
        )}
        <Empty view={view} info={info} />
        <News view={view} acts={acts} />
      </div>
      <Help />
    </main>
  );
}

/** Go where a link within the same stream leads. */
function useFollowedLinks(view: View, acts: Acts): void {
  const to = route.value;
  const isFirst = useRef(true);
  useEffect(() => {
    if (isFirst.current) {
      isFirst.current = false;
      return;
    }
    if (to.run !== view.feed.run || to.key !== view.feed.key) return;
    if (to.view) acts.setMode(to.view);
    if (to.at !== undefined) acts.jump(to.at);
  }, [to]);
}

/** What one should know about what is (not) shown. */
function Notices({ view, error }: { view: View; error: unknown }) {
  const { feed } = view;
  void feed.version.value;
  const state = feed.state.value;
  const { chunks } = feed;
  const first = chunks.first?.index;
  const wanted = `read:streams:${feed.run}/${feed.key}`;
  return (
    <div class="notices">
      {state === "failed" && <Trouble error={feed.error.value} wanted={wanted} compact />}
      {state === "retrying" && (
        <Trouble error={feed.error.value ?? new ApiError(0, "", "")} wanted={wanted} compact />
      )}
      {state !== "failed" && state !== "retrying" && error !== undefined && (
        <Trouble error={error} wanted={wanted} compact />
      )}
      {feed.notice.value && <p class="banner">{feed.notice.value}</p>}
      {state === "full" && (
        <p class="banner">
          This page holds {counted(chunks.length, "chunk")}, as much as it may. It has stopped
          reading after {count(chunks.last?.index ?? 0)}.{" "}
          <button
            type="button"
            class="button"
            onClick={() => feed.jump((chunks.last?.index ?? 0) + 1)}
          >
            Go on from there
          </button>{" "}
          <button type="button" class="button" onClick={() => view.follow(true)}>
            Follow, and let go the first
          </button>
        </p>
      )}
      {first !== undefined && first > 0 && (
        <p class="banner">
          {chunks.dropped > 0
            ? `${counted(chunks.dropped, "chunk")} at the front were let go. `
            : ""}
          Begins at {count(first)}.{" "}
          <button
            type="button"
            class="button"
            disabled={feed.isLoadingEarlier.value}
            onClick={() => void feed.earlier()}
          >
            {count(Math.min(EARLIER, first))} earlier
          </button>{" "}
          <button
            type="button"
            class="button"
            onClick={() => {
              view.follow(false);
              feed.jump(0);
            }}
          >
            Read from the first
          </button>
        </p>
      )}
    </div>
  );
}

function Empty({ view, info }: { view: View; info: StreamInfo | undefined }) {
  const { feed } = view;
  void feed.version.value;
  const state = feed.state.value;
  if (feed.chunks.length || state === "failed" || state === "retrying") return null;
  if (feed.closed.value) {
    return (
      <div class="empty over">
        <h2>Nothing was written</h2>
        <p>The stream is closed, and has no chunks.</p>
      </div>
    );
  }
  if (state === "connecting" && info?.tail) return <p class="empty over">Connecting…</p>;
  return (
    <div class="empty over">
      <h2>Nothing yet, waiting</h2>
      <p>
        {info
          ? "Chunks appear here as they are written."
          : "Nothing is known of this stream. It appears here as soon as something is written to it."}
      </p>
    </div>
  );
}

/** How much came since one looked away from the end. */
function News({ view, acts }: { view: View; acts: Acts }) {
  const { feed, isFollowing, unseenFrom } = view;
  void feed.version.value;
  const news = feed.tail - unseenFrom.value;
  if (isFollowing.value || news <= 0 || !feed.chunks.length) return null;
  return (
    <button type="button" class="button primary news" onClick={acts.bottom}>
      {count(news)} new <Icon name="down" />
    </button>
  );
}

function actsOf(view: View): Acts {
  const { feed } = view;
  const here = () => {
    const at = view.selected.peek() ?? view.edge();
    return {
      run: feed.run,
      key: feed.key,
      ...(at !== undefined && { at }),
      view: view.mode.peek(),
    };
  };
  const acts: Acts = {
    step(direction) {
      if (view.mode.peek() !== "list") {
        const { at, count } = view.places.peek();
        if (count) view.places.value = { at: ((at - 1 + direction + count) % count) + 1, count };
        view.follow(false);
        return;
      }
      const from = view.selected.peek() ?? (view.edge() ?? 0) - direction;
      const found = feed.search.peek()?.step(from, direction);
      if (found === undefined) return;
      view.follow(false);
      view.selected.value = found;
      view.wanted.value = { index: found, at: "near" };
    },
    jump(index) {
      const { first, last } = feed.chunks;
      view.follow(false);
      const isHeld = first && index >= first.index && index <= last!.index;
      if (!isHeld) feed.jump(index);
      view.selected.value = index;
      view.wanted.value = { index, at: "top" };
      note({ at: index });
    },
    top() {
      view.follow(false);
      if (feed.hasEarlier) {
        feed.jump(0);
        view.selected.value = undefined;
      }
      view.wanted.value = { index: 0, at: "top" };
    },
    bottom() {
      view.selected.value = undefined;
      view.follow(true);
      if (feed.state.peek() === "full") feed.resume();
    },
    setMode(mode) {
      view.mode.value = mode;
      note({ view: mode });
      view.follow(view.isFollowing.peek());
    },
    togglePause() {
      if (feed.isReading) feed.pause();
      else if (feed.state.peek() === "full") feed.jump((feed.chunks.last?.index ?? 0) + 1);
      else feed.resume();
    },
    link: () => location.origin + location.pathname + format(here()),
  };
  return acts;
}

function pressed(event: KeyboardEvent, view: View, acts: Acts): void {
  if (isElsewhere(event)) return;
  const act = actOf(event.key, view, acts);
  if (!act) return;
  event.preventDefault();
  act();
}

function actOf(key: string, view: View, acts: Acts): (() => void) | undefined {
  const mode = MODES[Number(key) - 1];
  if (mode) return () => acts.setMode(mode as Mode);
  switch (key) {
    case "/":
      return () => document.getElementById("search")?.focus();
    case "?":
      return () => (isHelpOpen.value = true);
    case "n":
      return () => acts.step(1);
    case "N":
      return () => acts.step(-1);
    case "g":
      return acts.top;
    case "G":
      return acts.bottom;
    case "f":
      return () => view.follow(!view.isFollowing.peek());
    case " ":
      return acts.togglePause;
    case "t":
      return () => view.nextTimes();
  }
  return view.mode.peek() === "list" ? actOnRow(key, view) : undefined;
}

function actOnRow(key: string, view: View): (() => void) | undefined {
  const selected = view.selected.peek();
  switch (key) {
    case "j":
    case "ArrowDown":
      return () => view.move(1);
    case "k":
    case "ArrowUp":
      return () => view.move(-1);
    case "Enter":
      return selected === undefined ? undefined : () => view.toggle(selected);
    case "Escape":
      return () => view.closeAll();
    case "c":
      return selected === undefined ? undefined : () => void copyOne(view, selected);
  }
  return undefined;
}

async function copyOne(view: View, index: number): Promise<void> {
  const position = view.positionOf(index);
  const chunk = position < 0 ? undefined : view.at(position);
  if (!chunk) return;
  try {
    await copy(chunk.text);
    say(`Copied chunk ${index}`);
  } catch (error) {
    say(`Not copied: ${(error as Error).message}`);
  }
}
