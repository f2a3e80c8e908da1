/** The viewer of a stream. */

import { useEffect, useMemo, useRef } from "preact/hooks";
import type { Api, StreamInfo } from "../api.js";
import { deedsOfStream } from "../deeds.js";
import { go, route } from "../navigation.js";
import { claims } from "../session.js";
import { visible } from "../format.js";
import type { OneRun } from "../runs.js";
import { favicon, title } from "../title.js";
import { Deeds } from "../views/Deeds.js";
import { Copy, Name, Reason, StreamPill, StreamTags } from "../views/parts.js";
import { reasonOf } from "../words.js";
import { actsOf, type Acts } from "./acts.js";
import { Connection, Figures } from "./Figures.js";
import { Help } from "./Help.js";
import { pressed } from "./keys.js";
import { List } from "./List.js";
import { MarkdownView } from "./MarkdownView.js";
import { Empty, News, Notices } from "./Notices.js";
import { TextView } from "./TextView.js";
import { Toolbar } from "./Toolbar.js";
import type { View } from "./view.js";

interface Props {
  api: Api;
  view: View;
  info: StreamInfo | undefined;
  one: OneRun | undefined;
  error: unknown;
}

export function Viewer({ api, view, info, one, error }: Props) {
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
    // Resting in the background says nothing about the stream, and asks for nothing.
    if (state === "waiting") return;
    const isFailed = state === "failed" || end === "failed";
    favicon(isFailed ? "failed" : state === "live" ? "live" : "icon");
    const mark = isFailed ? "✗ " : end ? "✓ " : state === "live" ? "" : "… ";
    title(mark + feed.key, feed.run);
  }, [state, end]);
  useEffect(() => () => favicon("icon"), []);
  const mode = view.mode.value;
  return (
    <main class="page viewer">
      <div class="title-line">
        <Head run={feed.run} streamKey={feed.key} info={info} />
        <Connection feed={feed} />
        {info && (
          <Deeds
            deeds={deedsOfStream(claims.value, info)}
            place={{ run: feed.run, key: feed.key }}
            after={({ isGone }) => isGone && go({ run: feed.run })}
          />
        )}
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
        <Empty view={view} info={info} run={one?.info.value} />
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

export function Head({
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
      {info && <StreamTags info={info} />}
      {info && <Reason text={reasonOf(info)} />}
      <span class="unseen">of run {visible(run)}</span>
    </header>
  );
}
