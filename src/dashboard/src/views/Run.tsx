/** One run: where it comes from, its streams, and the runs that come from it. */

import { useEffect, useMemo } from "preact/hooks";
import type { Api, RunInfo, StreamInfo } from "../api.js";
import { clock } from "../clock.js";
import { deedsOfRun } from "../deeds.js";
import { count, counted, duration, moment, size, visible } from "../format.js";
import { go } from "../navigation.js";
import { format } from "../route.js";
import { RunList, type OneRun } from "../runs.js";
import { claims, mayList } from "../session.js";
import { spanOf, type Span } from "../timeline.js";
import { EXPIRY, expiryOf, markOfRun, nothingIn, reasonOf, reasonOfRun } from "../words.js";
import { Deeds } from "./Deeds.js";
import { Age, Copy, Name, Pill, Reason, StreamPill, StreamTags } from "./parts.js";
import { Bar } from "./Timeline.js";
import { Trouble } from "./Trouble.js";

export function Run({ one, api }: { one: OneRun; api: Api }) {
  const { error, answered } = one.poller;
  const info = one.info.value;
  const streams = one.streams.value;
  const isKnown = info || streams.length > 0;
  return (
    <main class="page run-page">
      <header class="head">
        <h1>
          <Name>{one.id}</Name> <Copy text={one.id} what="run id" />
        </h1>
        {info && (
          <Deeds
            deeds={deedsOfRun(claims.value, info, streams)}
            place={{ run: one.id }}
            after={({ isGone }) => isGone && go({})}
          />
        )}
        {info && <Facts info={info} streams={streams} />}
      </header>
      {error.value !== undefined && (
        <Trouble error={error.value} wanted={`read:runs:${one.id}`} compact={!!isKnown} />
      )}
      {answered.value > 0 && (isKnown || error.value === undefined) && (
        <div class="scroll" tabIndex={0} role="region" aria-label="Streams of this run">
          {streams.length ? <Streams one={one} /> : <Nothing info={info} />}
          {info && mayList.value && <Children api={api} parent={one.id} />}
        </div>
      )}
      {!answered.value && error.value === undefined && <p class="empty">Asking…</p>}
    </main>
  );
}

function Facts({ info, streams }: { info: RunInfo; streams: StreamInfo[] }) {
  const { completed, created, expires, parent, root } = info;
  const now = clock.second.value;
  return (
    <>
      <dl class="facts">
        <div>
          <dt>State</dt>
          <dd>
            <Pill mark={markOfRun(info)}>{info.status}</Pill>
          </dd>
        </div>
        <div>
          <dt>Begun</dt>
          <dd>
            <Age of={created} />
          </dd>
        </div>
        {completed && (
          <div>
            <dt>Took</dt>
            <dd title={moment(completed)}>{duration(completed - created)}</dd>
          </div>
        )}
        <div>
          <dt>Expires</dt>
          <dd title={EXPIRY}>
            <Age of={expires} />
            {streams.length > 0 && <small>{expiryOf(info, streams, now)}</small>}
          </dd>
        </div>
        <Above label="Parent" run={parent} />
        <Above label="Root" run={root} />
      </dl>
      <Reason text={reasonOfRun(info, now)} />
    </>
  );
}

function Above({ label, run }: { label: string; run: string | null }) {
  if (!run) return null;
  return (
    <div>
      <dt>{label}</dt>
      <dd>
        <a href={format({ run })}>
          <Name>{run}</Name>
        </a>
      </dd>
    </div>
  );
}

function Streams({ one }: { one: OneRun }) {
  const streams = one.streams.value;
  const span = spanOf(one.info.value, streams, clock.second.value);
  return (
    <>
      <table class="table">
        <caption class="unseen">{counted(streams.length, "stream")}</caption>
        <thead>
          <tr>
            <th>Stream</th>
            <th>State</th>
            <th class="times">
              <span>Timeline</span> <small>{duration(span.to - span.from)}</small>
            </th>
            <th class="number">Chunks</th>
            <th class="number">Size</th>
            <th class="number">Last append</th>
            <th class="number">Begun</th>
            <th class="number">Writers</th>
            <th class="number">Expires</th>
          </tr>
        </thead>
        <tbody>
          {streams.map((info) => (
            <Row key={info.key} info={info} span={span} />
          ))}
        </tbody>
      </table>
      {one.more.value && (
        <button type="button" class="button wide" onClick={() => one.older()}>
          More streams
        </button>
      )}
    </>
  );
}

function Row({ info, span }: { info: StreamInfo; span: Span }) {
  const { run, key, tail, first_index } = info;
  return (
    <tr>
      <th scope="row" data-label="Stream">
        <a href={format({ run, key })} title={visible(key)}>
          <Name>{key}</Name>
        </a>
        <Copy text={key} what="stream key" />
      </th>
      <td data-label="State">
        <StreamPill info={info} />
        <StreamTags info={info} />
        <Reason text={reasonOf(info)} />
      </td>
      <td class="times" data-label="Timeline">
        <Bar info={info} span={span} />
      </td>
      <td class="number" data-label="Chunks">
        {count(tail)}
        {first_index > 0 && (
          <small title={`Chunks before ${first_index} have expired`}>
            from {count(first_index)}
          </small>
        )}
      </td>
      <td class="number" data-label="Size">
        {size(info.bytes)}
      </td>
      <td class="number" data-label="Last append">
        {info.last_append ? <Age of={info.last_append} /> : "never"}
      </td>
      <td class="number" data-label="Begun">
        <Age of={info.created} />
      </td>
      <td class="number" data-label="Writers">
        {writersOf(info)}
      </td>
      <td class="number" data-label="Expires">
        <Age of={info.expires} />
      </td>
    </tr>
  );
}

/** No more than 64 are counted. */
export const writersOf = ({ writers }: StreamInfo): string =>
  writers >= 64 ? "64 or more" : String(writers);

function Nothing({ info }: { info: RunInfo | undefined }) {
  const { title, text } = nothingIn(info);
  return (
    <div class="empty">
      <h2>{title}</h2>
      <p>{text}</p>
      {!info && <pre>echo hello | runstreams pipe RUN</pre>}
    </div>
  );
}

/** The runs that were registered with this one as their parent. */
function Children({ api, parent }: { api: Api; parent: string }) {
  const list = useMemo(() => new RunList(api, { parent }), [api, parent]);
  useEffect(() => () => list.stop(), [list]);
  const runs = list.runs.value;
  if (!runs.length && !list.more.value) return null;
  return (
    <section class="children" aria-labelledby="children">
      <h2 id="children">Children</h2>
      <ul>
        {runs.map((run) => (
          <li key={run.id}>
            <a href={format({ run: run.id })} title={visible(run.id)}>
              <Name>{run.id}</Name>
            </a>
            <Pill mark={markOfRun(run)}>{run.status}</Pill>
            <Age of={run.created} />
          </li>
        ))}
      </ul>
      {list.more.value && (
        <button
          type="button"
          class="button"
          disabled={list.isLoading.value}
          onClick={() => void list.older()}
        >
          {list.isLoading.value ? "Looking…" : "Look for more among older runs"}
        </button>
      )}
    </section>
  );
}
