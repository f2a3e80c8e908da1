/** The stream in numbers. */

import type { RunInfo, StreamInfo } from "../api.js";
import { clock } from "../clock.js";
import { count, duration, rate, size } from "../format.js";
import { Age, Pill } from "../views/parts.js";
import { writersOf } from "../views/Run.js";
import type { Mark } from "../words.js";
import { Chart } from "./Chart.js";
import type { Feed, State } from "./feed.js";

const WORDS: Record<State, [Mark, string]> = {
  connecting: ["waiting", "connecting"],
  live: ["live", "live"],
  waiting: ["quiet", "waiting"],
  silent: ["quiet", "silent"],
  retrying: ["waiting", "retrying"],
  closed: ["done", "read to its end"],
  failed: ["failed", "failed"],
  paused: ["quiet", "paused"],
  full: ["quiet", "stopped: full"],
};

export function Connection({ feed }: { feed: Feed }) {
  const state = feed.state.value;
  const [mark, word] = WORDS[state];
  const how = feed.transport.value === "events" ? "event stream" : "long poll";
  return (
    <Pill mark={mark}>
      <span class="connection" data-state={state}>
        {word}
        {(state === "live" || state === "retrying") && <small> · {how}</small>}
      </span>
    </Pill>
  );
}

export function Figures({
  feed,
  info,
  run,
}: {
  feed: Feed;
  info: StreamInfo | undefined;
  run: RunInfo | undefined;
}) {
  void feed.version.value;
  const { chunks, gaps, rates, origin } = feed;
  const tail = Math.max(feed.tail, info?.tail ?? 0);
  const last = chunks.last?.timestamp;
  const isOver = feed.closed.value !== undefined || info?.closed;
  // What is over is shown as it was at its end.
  const now = isOver && last ? last + 1000 : Math.max(clock.second.value, last ?? 0);
  return (
    <dl class="figures" aria-label="The stream in numbers" tabIndex={0}>
      <Figure name="Chunks" title={`${count(chunks.length)} are held here`}>
        {count(tail)}
      </Figure>
      <Figure name="Size" title="Of everything that was ever appended">
        {info ? size(Math.max(info.bytes)) : size(chunks.bytes)}
      </Figure>
      <Figure name={isOver ? "Last minute" : "Chunks/s"} title="By the times of the chunks">
        <span class="rate">
          {rate(rates.rate(now))}
          {isOver ? "/s" : ""}
        </span>
        <Chart bars={rates.bars(now)} />
      </Figure>
      <Figure name="First chunk" title={firstTitle(origin, info, run)}>
        {origin !== undefined && info
          ? `after ${duration(Math.max(0, origin - (run?.created ?? info.created)))}`
          : "–"}
      </Figure>
      <Figure
        name="Between chunks"
        title="Median, 95th percentile, and longest, of the chunks read"
      >
        {gaps.count ? (
          <>
            {duration(gaps.quantile(0.5)!)} <small>median</small> {duration(gaps.quantile(0.95)!)}{" "}
            <small>p95</small> {duration(gaps.longest)} <small>max</small>
          </>
        ) : (
          "–"
        )}
      </Figure>
      <Figure name="Writers">{info ? writersOf(info) : "–"}</Figure>
      <Figure name="Last append">
        {info?.last_append ? <Age of={Math.max(info.last_append, last ?? 0)} /> : "–"}
      </Figure>
      {info && (
        <Figure name="Expires">
          <Age of={info.expires} />
        </Figure>
      )}
    </dl>
  );
}

function firstTitle(
  origin: number | undefined,
  info: StreamInfo | undefined,
  run: RunInfo | undefined,
): string {
  if (origin === undefined || !info) return "First-chunk latency: not known yet";
  const stream = `${duration(Math.max(0, origin - info.created))} after the stream was created`;
  return run ? `${stream}, ${duration(Math.max(0, origin - run.created))} after the run` : stream;
}

export function Figure({
  name,
  title,
  children,
}: {
  name: string;
  title?: string;
  children: preact.ComponentChildren;
}) {
  return (
    <div title={title}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
