/** One stream: found, and shown live. */

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Api, StreamInfo } from "../api.js";
import { ApiError, unlessMissing } from "../api.js";
import { BOUNDS } from "../chunks.js";
import { route } from "../navigation.js";
import { Poller } from "../refresh.js";
import type { OneRun } from "../runs.js";
import { Feed } from "../viewer/feed.js";
import { Octets } from "../viewer/Octets.js";
import { View } from "../viewer/view.js";
import { Head, Viewer } from "../viewer/Viewer.js";
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
        if (found && view.peek()) view.peek()!.feed.oldest = found.first_index;
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

  const refusal = error.value;
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
  const octets = contentTypeIn(view.value.feed.error.value);
  if (octets !== undefined) {
    return (
      <Octets api={api} run={run} streamKey={streamKey} contentType={octets} info={info.value} />
    );
  }
  return <Viewer api={api} view={view.value} info={info.value} one={one} error={refusal} />;
}

/** What a stream is made of that holds no JSON chunks, as the refusal to read them says. */
function contentTypeIn(error: unknown): string | undefined {
  const { code, facts } = (error ?? {}) as Partial<ApiError>;
  return code === "not_json" ? String(facts?.content_type) : undefined;
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
