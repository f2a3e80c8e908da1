/** What one should know about what is shown, and what is not. */

import type { RunInfo, StreamInfo } from "../api.js";
import { ApiError } from "../api.js";
import { count, counted } from "../format.js";
import { Icon } from "../views/parts.js";
import { Trouble } from "../views/Trouble.js";
import { nothingOf } from "../words.js";
import type { Acts } from "./acts.js";
import { EARLIER } from "./feed.js";
import type { View } from "./view.js";

export function Notices({ view, error }: { view: View; error: unknown }) {
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
      {first !== undefined && feed.hasEarlier && (
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
            {count(Math.min(EARLIER, first - feed.oldest))} earlier
          </button>{" "}
          <button
            type="button"
            class="button"
            onClick={() => {
              view.follow(false);
              feed.jump(feed.oldest);
            }}
          >
            Read from the first
          </button>
        </p>
      )}
    </div>
  );
}

export function Empty({
  view,
  info,
  run,
}: {
  view: View;
  info: StreamInfo | undefined;
  run: RunInfo | undefined;
}) {
  const { feed } = view;
  void feed.version.value;
  const state = feed.state.value;
  if (feed.chunks.length || state === "failed" || state === "retrying") return null;
  if (state === "connecting" && info?.tail) return <p class="empty over">Connecting…</p>;
  const { title, text } = nothingOf(info, run, feed.closed.value !== undefined);
  return (
    <div class="empty over">
      <h2>{title}</h2>
      <p>{text}</p>
    </div>
  );
}

/** How much came since one looked away from the end. */
export function News({ view, acts }: { view: View; acts: Acts }) {
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
