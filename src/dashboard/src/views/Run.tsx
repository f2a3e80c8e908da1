/** One run: where it comes from, and its streams. */

import type { RunInfo, StreamInfo } from "../api.js";
import { count, counted, duration, moment, size, visible, visibleLines } from "../format.js";
import { format } from "../route.js";
import type { OneRun } from "../runs.js";
import { Age, Copy, Name, Pill, StreamPill } from "./parts.js";
import { Trouble } from "./Trouble.js";

export function Run({ one }: { one: OneRun }) {
  const { error, answered } = one.poller;
  const info = one.info.value;
  const isKnown = info || one.streams.value.length > 0;
  return (
    <main class="page run-page">
      <header class="head">
        <h1>
          <Name>{one.id}</Name> <Copy text={one.id} what="run id" />
        </h1>
        {info && <Facts info={info} />}
      </header>
      {error.value !== undefined && (
        <Trouble error={error.value} wanted={`read:runs:${one.id}`} compact={!!isKnown} />
      )}
      {isKnown ? (
        <Streams one={one} />
      ) : (
        answered.value > 0 && error.value === undefined && <Waiting />
      )}
      {!answered.value && error.value === undefined && <p class="empty">Asking…</p>}
    </main>
  );
}

function Facts({ info }: { info: RunInfo }) {
  const { completed, created, expires, parent, root } = info;
  return (
    <dl class="facts">
      <div>
        <dt>State</dt>
        <dd>{completed ? <Pill mark="done">completed</Pill> : <Pill mark="live">running</Pill>}</dd>
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
        <dd>
          <Age of={expires} />
        </dd>
      </div>
      <Above label="Parent" run={parent} />
      <Above label="Root" run={root} />
    </dl>
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
  if (!streams.length) {
    return (
      <div class="empty">
        <h2>No streams yet</h2>
        <p>The run is registered, and nothing is written. This page shows streams as they come.</p>
      </div>
    );
  }
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Streams of this run">
      <table class="table">
        <caption class="unseen">{counted(streams.length, "stream")}</caption>
        <thead>
          <tr>
            <th>Stream</th>
            <th>State</th>
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
            <Row key={info.key} info={info} />
          ))}
        </tbody>
      </table>
      {one.more.value && (
        <button type="button" class="button wide" onClick={() => one.older()}>
          More streams
        </button>
      )}
    </div>
  );
}

function Row({ info }: { info: StreamInfo }) {
  const { run, key, tail, first_index, closed, stop } = info;
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
        {stop && (
          <span class="tag" title="Somebody asked the producer to stop">
            stop asked
          </span>
        )}
        {closed?.error && (
          <p class="reason" tabIndex={0}>
            {visibleLines(closed.error)}
          </p>
        )}
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
export function writersOf({ writers }: StreamInfo): string {
  if (writers === undefined) return "–";
  return writers >= 64 ? "64 or more" : String(writers);
}

function Waiting() {
  return (
    <div class="empty">
      <h2>Nothing is known of this run yet</h2>
      <p>
        It may not have begun, or have expired, or its id may be another. This page waits, and shows
        its streams as soon as something is written:
      </p>
      <pre>echo hello | runstreams pipe RUN</pre>
    </div>
  );
}
