/** What one can do with the chunks. */

import { useRef } from "preact/hooks";
import type { Api, StreamInfo } from "../api.js";
import { MODES, type Mode } from "../route.js";
import { Icon, say } from "../views/parts.js";
import type { Acts } from "./acts.js";
import { Export } from "./Export.js";
import { Finder } from "./Finder.js";
import { isHelpOpen } from "./Help.js";
import type { View } from "./view.js";

const NAMES: Record<Mode, string> = { list: "List", text: "Text", markdown: "Markdown" };

interface Props {
  view: View;
  acts: Acts;
  api: Api;
  info: StreamInfo | undefined;
}

export function Toolbar({ view, acts, api, info }: Props) {
  const { feed } = view;
  const state = feed.state.value;
  const canPause = feed.closed.value === undefined;
  const isPaused = state === "paused" || state === "full" || state === "failed";
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
      {view.mode.value !== "list" && (
        <input
          class="path"
          placeholder="path"
          aria-label="Path to the text in a chunk"
          title="Where a chunk's text is, such as choices[0].delta.content; without it, where OpenAI, Anthropic, the AI SDK or AG-UI have it"
          spellcheck={false}
          value={view.path.value}
          onInput={(event) => (view.path.value = event.currentTarget.value.trim())}
        />
      )}
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
      <Export view={view} api={api} info={info} link={acts.link} />
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
