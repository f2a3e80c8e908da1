/** The viewer of a stream of bytes, which the open protocol has written. */

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Api, StreamInfo } from "../api.js";
import { deedsOfStream } from "../deeds.js";
import { size } from "../format.js";
import { go } from "../navigation.js";
import type { Form, Octets as Shown, Place, Progress } from "../octets.js";
import { claims } from "../session.js";
import { title } from "../title.js";
import { Deeds } from "../views/Deeds.js";
import { Age, Icon, Pill, say } from "../views/parts.js";
import { Trouble } from "../views/Trouble.js";
import { save } from "./download.js";
import { Figure } from "./Figures.js";
import { Head } from "./Viewer.js";

const TEXT = /^text\/|[/+](json|xml|javascript|yaml|.*ndjson)\b/i;

const FORMS: readonly [Form, string][] = [
  ["text", "Text"],
  ["hex", "Hex"],
];

interface Props {
  api: Api;
  run: string;
  streamKey: string;
  contentType: string;
  info: StreamInfo | undefined;
}

export function Octets({ api, run, streamKey, contentType, info }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const shown = useSignal<Shown | undefined>(undefined);
  const form = useSignal<Form>(TEXT.test(contentType) ? "text" : "hex");
  const progress = useSignal<Progress | undefined>(undefined);
  const failure = useSignal("");
  const place = { api, run, key: streamKey, contentType };
  useEffect(() => {
    let isGone = false;
    title(streamKey, run);
    import("../octets.js").then(
      ({ Octets, HELD }) => {
        if (isGone) return;
        const first = firstWanted(info, HELD);
        const tell = (told: Progress) => (progress.value = told);
        shown.value = new Octets({ ...place, first }, box.current!, tell, !info?.closed);
        shown.value.show(form.peek());
      },
      (reason: Error) => (failure.value = reason.message),
    );
    return () => {
      isGone = true;
      shown.peek()?.stop();
    };
  }, []);
  const told = progress.value;
  const choose = (chosen: Form) => {
    form.value = chosen;
    shown.value?.show(chosen);
  };
  const state = told?.state ?? "live";
  const isCut =
    told && (told.read > told.shown || firstWanted(info, told.shown) > (info?.first_index ?? 0));
  return (
    <main class="page viewer">
      <div class="title-line">
        <Head run={run} streamKey={streamKey} info={info} />
        <Pill mark={state === "closed" ? "done" : state === "live" ? "live" : "failed"}>
          <span class="connection" data-state={state}>
            {state === "closed" ? "read to its end" : state}
          </span>
        </Pill>
        {info && (
          <Deeds
            deeds={deedsOfStream(claims.value, info)}
            place={{ run, key: streamKey }}
            after={({ isGone }) => isGone && go({ run })}
          />
        )}
      </div>
      <dl class="figures" aria-label="The stream in numbers" tabIndex={0}>
        <Figure name="Content type">{contentType}</Figure>
        <Figure name="Read" title="Bytes that came since this page was opened">
          {size(told?.read ?? 0)}
        </Figure>
        <Figure name="Last append">
          {info?.last_append ? <Age of={info.last_append} /> : "–"}
        </Figure>
        {info && (
          <Figure name="Expires">
            <Age of={info.expires} />
          </Figure>
        )}
      </dl>
      <div class="toolbar" role="toolbar" aria-label="Viewer">
        <div class="segments" role="group" aria-label="View as">
          {FORMS.map(([each, name]) => (
            <button
              key={each}
              type="button"
              aria-pressed={form.value === each}
              onClick={() => choose(each)}
            >
              {name}
            </button>
          ))}
        </div>
        <span class="filler" />
        <Download place={{ ...place, first: info?.first_index ?? 0 }} tail={info?.tail ?? 0} />
      </div>
      <div class="notices">
        {told?.error !== undefined && (
          <Trouble error={told.error} wanted={`read:streams:${run}/${streamKey}`} compact />
        )}
        {failure.value && <p class="banner">Not loaded: {failure.value}. Reload the page.</p>}
        {isCut && (
          <p class="banner">
            These are the last {size(told.shown)} at most. A download has everything.
          </p>
        )}
      </div>
      <div class="stage">
        <div
          class={`flow ${form.value === "text" ? "text" : "octets"}`}
          ref={box}
          tabIndex={0}
          role="region"
          aria-label={form.value === "text" ? "Bytes as text" : "Bytes as numbers"}
          id="chunks"
        >
          <div class="sheet" dir="ltr" />
        </div>
      </div>
    </main>
  );
}

function Download({ place, tail }: { place: Place; tail: number }) {
  const share = useSignal<number | undefined>(undefined);
  const cancel = useRef(new AbortController());
  useEffect(() => () => cancel.current.abort(), []);
  const load = async () => {
    share.value = 0;
    try {
      const { whole } = await import("../octets.js");
      const told = (done: number) => (share.value = done);
      const blob = await whole(place, tail, told, cancel.current.signal);
      save(blob, `${place.run}-${place.key}`.replace(/[^\w.-]+/g, "_").slice(0, 120));
    } catch (error) {
      say(`Not downloaded: ${(error as Error).message}`);
    }
    share.value = undefined;
  };
  return (
    <button
      type="button"
      class="button"
      disabled={share.value !== undefined}
      onClick={() => void load()}
    >
      <Icon name="download" />
      {share.value === undefined ? "Download" : `${Math.round(share.value * 100)} %`}
    </button>
  );
}

/** The index to begin at, so that about *bytes* are read. */
function firstWanted(info: StreamInfo | undefined, most: number): number {
  if (!info) return 0;
  const { tail, first_index, bytes } = info;
  const fitting = Math.ceil((tail * most) / Math.max(1, bytes));
  return Math.max(first_index, tail - fitting);
}
