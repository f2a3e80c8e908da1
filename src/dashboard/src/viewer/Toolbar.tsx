/** What one can do with the chunks. */

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Api, StreamInfo } from "../api.js";
import { copy } from "../clipboard.js";
import { count } from "../format.js";
import { MODES, type Mode } from "../route.js";
import { Icon, say } from "../views/parts.js";
import { asking, download, fileName, save, type Form } from "./download.js";
import { isHelpOpen } from "./Help.js";
import { joined } from "./text.js";
import type { View } from "./view.js";

const NAMES: Record<Mode, string> = { list: "List", text: "Text", markdown: "Markdown" };

export interface Acts {
  step(direction: 1 | -1): void;
  jump(index: number): void;
  top(): void;
  bottom(): void;
  setMode(mode: Mode): void;
  togglePause(): void;
  link(): string;
}

interface Props {
  view: View;
  acts: Acts;
  api: Api;
  info: StreamInfo | undefined;
}

export function Toolbar({ view, acts, api, info }: Props) {
  const { feed } = view;
  const state = feed.state.value;
  const canPause = feed.closed.value === undefined && state !== "failed";
  const isPaused = state === "paused" || state === "full";
  return (
    <div class="toolbar" role="toolbar" aria-label="Viewer">
      <div class="segments" role="group" aria-label="View as">
        {MODES.map((mode, place) => (
          <button
            key={mode}
            type="button"
            aria-pressed={view.mode.value === mode}
            title={`${NAMES[mode]} (${place + 1})`}
            onClick={() => acts.setMode(mode)}
          >
            {NAMES[mode]}
          </button>
        ))}
      </div>
      <Finder view={view} acts={acts} />
      <div class="group">
        <button
          type="button"
          class="button"
          aria-pressed={view.isFollowing.value}
          title="Stay at the newest chunk (f)"
          onClick={() => view.follow(!view.isFollowing.value)}
        >
          <Icon name="down" />
          <span class="label">Follow</span>
        </button>
        <button
          type="button"
          class="button"
          disabled={!canPause}
          title={isPaused ? "Read on from here (space)" : "Stop reading (space)"}
          onClick={acts.togglePause}
        >
          <Icon name={isPaused ? "play" : "pause"} />
          <span class="label">{isPaused ? "Go on" : "Pause"}</span>
        </button>
      </div>
      <div class="group">
        <button
          type="button"
          class="icon"
          title="First chunk (g)"
          aria-label="First chunk"
          onClick={acts.top}
        >
          <Icon name="up" />
        </button>
        <GoTo acts={acts} />
        <button
          type="button"
          class="icon"
          title="Last chunk (G)"
          aria-label="Last chunk"
          onClick={acts.bottom}
        >
          <Icon name="down" />
        </button>
      </div>
      {view.mode.value === "text" && (
        <button
          type="button"
          class="button"
          aria-pressed={view.isByLine.value}
          title="Each chunk on a line of its own"
          onClick={() => (view.isByLine.value = !view.isByLine.value)}
        >
          <Icon name="lines" />
          <span class="label">Line each</span>
        </button>
      )}
      <span class="filler" />
      <Take view={view} api={api} info={info} link={acts.link} />
      <button
        type="button"
        class="icon"
        title="Keys (?)"
        aria-label="Help: keys"
        onClick={() => (isHelpOpen.value = true)}
      >
        ?
      </button>
    </div>
  );
}

function Finder({ view, acts }: { view: View; acts: Acts }) {
  const { feed, query, isFiltering, mode } = view;
  void feed.version.value;
  const search = feed.search.value;
  const isList = mode.value === "list";
  const typed = (text: string) => {
    query.value = text;
    feed.find(text);
    view.places.value = { at: 0, count: 0 };
  };
  return (
    <div class="finder" role="search" aria-label="Chunks">
      <Icon name="search" />
      <input
        id="search"
        type="search"
        placeholder="Search ( / )"
        aria-label="Search chunks"
        title="A capital letter makes it exact"
        value={query.value}
        onInput={(event) => typed(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter") acts.step(event.shiftKey ? -1 : 1);
          if (event.key === "Escape") {
            if (query.value) typed("");
            else event.currentTarget.blur();
            event.preventDefault();
          }
        }}
      />
      {search && (
        <>
          <output class="matches" aria-live="polite">
            {isList ? place(view) : placeInText(view)}
            {feed.isSearching.value ? "…" : ""}
          </output>
          <button
            type="button"
            class="icon"
            aria-label="Previous match"
            title="Previous match (N)"
            onClick={() => acts.step(-1)}
          >
            <Icon name="previous" />
          </button>
          <button
            type="button"
            class="icon"
            aria-label="Next match"
            title="Next match (n)"
            onClick={() => acts.step(1)}
          >
            <Icon name="next" />
          </button>
        </>
      )}
      {isList && (
        <button
          type="button"
          class="icon"
          aria-pressed={isFiltering.value}
          aria-label="Only what matches"
          title="Only what matches"
          onClick={() => {
            isFiltering.value = !isFiltering.value;
            if (isFiltering.value && !search) document.getElementById("search")?.focus();
          }}
        >
          <Icon name="filter" />
        </button>
      )}
    </div>
  );
}

function place({ feed, selected }: View): string {
  const { matches } = feed.search.value!;
  if (!matches.length) return "none";
  const at = selected.value === undefined ? -1 : matches.indexOf(selected.value);
  return at < 0 ? count(matches.length) : `${count(at + 1)} of ${count(matches.length)}`;
}

function placeInText({ places }: View): string {
  const { at, count: all } = places.value;
  return !all ? "none" : at ? `${count(at)} of ${count(all)}` : count(all);
}

function GoTo({ acts }: { acts: Acts }) {
  const input = useRef<HTMLInputElement>(null);
  const submit = (event: Event) => {
    event.preventDefault();
    const text = input.current!.value.replace(/[\s,.]/g, "");
    if (!/^\d{1,15}$/.test(text)) return say("An index is a whole number from 0 on");
    acts.jump(Number(text));
    input.current!.value = "";
    input.current!.blur();
  };
  return (
    <form onSubmit={submit}>
      <input
        ref={input}
        class="goto number"
        inputMode="numeric"
        placeholder="index"
        aria-label="Go to index"
        title="Go to index: Enter"
      />
    </form>
  );
}

function Take({
  view,
  api,
  info,
  link,
}: {
  view: View;
  api: Api;
  info: StreamInfo | undefined;
  link: () => string;
}) {
  const menu = useRef<HTMLDetailsElement>(null);
  const running = useSignal<{ share: number; cancel: AbortController } | undefined>(undefined);
  const { feed } = view;
  useEffect(() => {
    const shut = (event: Event) => {
      if (menu.current && !menu.current.contains(event.target as Node)) menu.current.open = false;
    };
    document.addEventListener("click", shut);
    return () => {
      document.removeEventListener("click", shut);
      running.peek()?.cancel.abort();
    };
  }, []);

  const copied = async (text: () => string, what: string) => {
    menu.current!.open = false;
    try {
      await copy(text());
      say(`Copied ${what}`);
    } catch (error) {
      say(`Not copied: ${(error as Error).message}`);
    }
  };

  const load = async (form: Form) => {
    menu.current!.open = false;
    if (running.value) return;
    const cancel = new AbortController();
    running.value = { share: 0, cancel };
    try {
      const { run, key } = feed;
      const { first_index, tail } = await api.stream(run, key, cancel.signal);
      const ask = asking(api, run, key, cancel.signal);
      const progress = (share: number) => (running.value = { share, cancel });
      save(
        await download(ask, first_index, tail, form, progress, cancel.signal),
        fileName(run, key, form),
      );
    } catch (error) {
      say(
        cancel.signal.aborted ? "Download canceled" : `Not downloaded: ${(error as Error).message}`,
      );
    }
    running.value = undefined;
  };

  if (running.value) {
    const { share, cancel } = running.value;
    return (
      <span class="loading">
        <progress value={share} max={1} aria-label="Downloading" />
        <button type="button" class="button" onClick={() => cancel.abort()}>
          Cancel
        </button>
      </span>
    );
  }
  void feed.version.value;
  const { length } = feed.chunks;
  return (
    <details
      class="menu"
      ref={menu}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        menu.current!.open = false;
        menu.current!.querySelector("summary")!.focus();
        event.preventDefault();
      }}
    >
      <summary class="button" title="Copy or download">
        <Icon name="download" />
        <span class="label">Export</span>
      </summary>
      <div class="items">
        <button type="button" onClick={() => void load("jsonl")} disabled={!info?.tail}>
          Download all as JSON lines
        </button>
        <button type="button" onClick={() => void load("text")} disabled={!info?.tail}>
          Download all as text
        </button>
        <button
          type="button"
          disabled={!length}
          onClick={() =>
            void copied(() => joined(feed.chunks.slice(0, length)), `${count(length)} chunks`)
          }
        >
          Copy {count(length)} chunks as text
        </button>
        <button type="button" onClick={() => void copied(link, "the link")}>
          Copy a link to this place
        </button>
      </div>
    </details>
  );
}
