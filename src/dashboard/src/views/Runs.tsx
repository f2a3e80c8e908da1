/** The column of runs, newest first; under the one that is looked at, its streams. */

import { useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { ApiError, type RunInfo, type RunStatus, type StreamInfo } from "../api.js";
import { clock } from "../clock.js";
import { count, duration, moment } from "../format.js";
import { fitting } from "../listing.js";
import { go, route } from "../navigation.js";
import { format } from "../route.js";
import { wantedStatus, type OneRun, type RunList } from "../runs.js";
import { mayList, places } from "../session.js";
import { markOf, markOfRun } from "../words.js";
import { Age, Icon, Name } from "./parts.js";
import { Trouble } from "./Trouble.js";

/** Streams that are named under their run; all of them stand in the run's own view. */
const NAMED = 30;

export function Runs({ list, one }: { list: RunList | undefined; one: OneRun | undefined }) {
  return (
    <nav class="runs" aria-label="Runs">
      {list ? <Listed list={list} one={one} /> : <Places one={one} />}
    </nav>
  );
}

function Listed({ list, one }: { list: RunList; one: OneRun | undefined }) {
  const text = useSignal("");
  const runs = list.runs.value;
  const shown = useMemo(() => fitting(runs, text.value), [runs, text.value]);
  const { error, answered } = list.poller;
  const wanted = text.value.trim();
  // The run that is looked at stands there also when it is older than those that are loaded.
  const found = one?.info.value;
  const apart = found && !wanted && !runs.some(({ id }) => id === found.id) ? found : undefined;
  const hasStreams = (one?.poller.answered.value ?? 0) > 0;
  const element = useShown(runs.length > 0 || apart !== undefined, hasStreams);
  const search = (event: Event) => {
    event.preventDefault();
    if (wanted) go({ run: shown.length === 1 ? shown[0]!.id : wanted });
  };
  return (
    <>
      <form class="find" role="search" aria-label="Runs" onSubmit={search}>
        <Icon name="search" />
        <input
          type="search"
          placeholder="Search runs"
          aria-label="Search runs"
          value={text.value}
          onInput={(event) => (text.value = event.currentTarget.value)}
        />
        <StatusFilter />
      </form>
      <div class="scroll">
        {error.value && !answered.value ? (
          <Trouble error={error.value} wanted="read:runs" />
        ) : (
          <>
            {isFinal(error.value) && <Trouble error={error.value} wanted="read:runs" compact />}
            <ul class="list" ref={element}>
              {apart && <Item run={apart} one={one} />}
              {shown.map((run) => (
                <Item key={run.id} run={run} one={one?.id === run.id ? one : undefined} />
              ))}
            </ul>
            {!shown.length && <Nothing wanted={wanted} list={list} />}
            {wanted && shown.length > 0 && !runs.some(({ id }) => id === wanted) && (
              <OpenByName run={wanted} />
            )}
            <Older list={list} />
          </>
        )}
      </div>
      <Refreshed at={answered.value} error={error.value} />
    </>
  );
}

/** Bring the run that one goes to in sight, once it is there, and once with its streams. */
function useShown(isThere: boolean, hasStreams: boolean) {
  const element = useRef<HTMLUListElement>(null);
  const run = route.value.run;
  useEffect(() => {
    element.current?.querySelector(":scope > .here")?.scrollIntoView({ block: "nearest" });
  }, [run, isThere, hasStreams]);
  return element;
}

/** What passes is said below, where it moves nothing. */
const isFinal = (error: unknown): boolean =>
  error instanceof ApiError && (error.status === 401 || error.status === 403);

function Item({ run, one }: { run: RunInfo; one: OneRun | undefined }) {
  const isHere = route.value.run === run.id;
  return (
    <li class={isHere ? "here" : ""}>
      <a
        class="run"
        href={format({ run: run.id })}
        aria-current={isHere && !route.value.key ? "page" : undefined}
        title={run.id}
      >
        <i class={`dot ${markOfRun(run)}`} aria-hidden="true" />
        <Name>{run.id}</Name>
        <span class="meta">
          {run.status}
          {run.completed ? `, ${duration(run.completed - run.created)}` : ""}
          {" · "}
          <Age of={run.created} />
        </span>
      </a>
      {run.parent && (
        <a class="above" href={format({ run: run.parent })} title={`Parent run: ${run.parent}`}>
          ↳ of <Name>{run.parent}</Name>
        </a>
      )}
      {run.root && run.root !== run.parent && (
        <a class="above" href={format({ run: run.root })} title={`Root run: ${run.root}`}>
          ⌂ <Name>{run.root}</Name>
        </a>
      )}
      {isHere && one && <Streams run={run.id} streams={one.streams.value} />}
    </li>
  );
}

function Streams({ run, streams }: { run: string; streams: StreamInfo[] }) {
  return (
    <ul class="streams">
      {streams.slice(0, NAMED).map((info) => (
        <li key={info.key}>
          <a
            href={format({ run, key: info.key })}
            aria-current={route.value.key === info.key ? "page" : undefined}
            title={info.key}
          >
            <i class={`dot ${markOf(info)}`} aria-hidden="true" />
            <Name>{info.key}</Name>
            <span class="number">{count(info.tail)}</span>
          </a>
        </li>
      ))}
      {streams.length > NAMED && (
        <li>
          <a href={format({ run })}>All {count(streams.length)} streams</a>
        </li>
      )}
    </ul>
  );
}

const STATUSES: RunStatus[] = ["running", "completed", "failed", "canceled", "lost"];

function StatusFilter() {
  return (
    <select
      aria-label="State of the runs"
      value={wantedStatus.value ?? ""}
      onChange={(event) =>
        (wantedStatus.value = (event.currentTarget.value || undefined) as RunStatus | undefined)
      }
    >
      <option value="">all states</option>
      {STATUSES.map((status) => (
        <option key={status}>{status}</option>
      ))}
    </select>
  );
}

function Nothing({ wanted, list }: { wanted: string; list: RunList }) {
  const status = wantedStatus.value;
  if (!list.poller.answered.value) return <p class="empty">Asking for the runs…</p>;
  if (wanted) {
    return (
      <div class="empty">
        <p>None of the runs that are loaded fits.</p>
        <OpenByName run={wanted} />
      </div>
    );
  }
  if (status) {
    return (
      <div class="empty">
        <h2>No run is {status}</h2>
        {list.more.value && <p>None of the newest ones, that is; older ones may be.</p>}
      </div>
    );
  }
  return (
    <div class="empty">
      <h2>No runs yet</h2>
      <p>A run appears as soon as something is written for it. Try:</p>
      <pre>echo hello | runstreams pipe my-run</pre>
    </div>
  );
}

const OpenByName = ({ run }: { run: string }) => (
  <a class="button wide" href={format({ run })}>
    Open the run “<Name>{run}</Name>”
  </a>
);

function Older({ list }: { list: RunList }) {
  if (!list.more.value) return null;
  if (list.isFull) {
    return (
      <p class="empty">
        The newest {count(list.runs.value.length)} runs. Older ones open by their id.
      </p>
    );
  }
  return (
    <button
      type="button"
      class="button wide"
      disabled={list.isLoading.value}
      onClick={() => void list.older()}
    >
      {list.isLoading.value ? "Loading…" : "Older runs"}
    </button>
  );
}

/** A token that may not list runs leads to those that it names. */
function Places({ one }: { one: OneRun | undefined }) {
  if (!places.value.length) return <Trouble error={{ status: 403 }} wanted="read:runs" />;
  return (
    <>
      <div class="scroll">
        <h2 class="caption">This token reads</h2>
        <ul class="list">
          {places.value.map(({ run, key }) => (
            <li key={`${run}/${key ?? ""}`} class={route.value.run === run ? "here" : ""}>
              <a class="run" href={format({ run, key })} title={key ? `${run}/${key}` : run}>
                <i class="dot quiet" aria-hidden="true" />
                <Name>{run}</Name>
                {key && (
                  <span class="meta">
                    <Name>{key}</Name>
                  </span>
                )}
              </a>
              {!key && one?.id === run && <Streams run={run} streams={one.streams.value} />}
            </li>
          ))}
        </ul>
        {!mayList.value && (
          <p class="empty">
            To list all runs, a token needs the scope <code>read:runs</code>.
          </p>
        )}
      </div>
      {one && <Refreshed at={one.poller.answered.value} error={one.poller.error.value} />}
    </>
  );
}

function Refreshed({ at, error }: { at: number; error: unknown }) {
  void clock.second.value;
  const seconds = Math.round((Date.now() - at) / 1000);
  return (
    <p class="refreshed" title={at ? moment(at) : ""}>
      {error !== undefined
        ? "Not refreshed: trying again"
        : at
          ? `Refreshed ${seconds < 2 ? "now" : `${seconds} s ago`}`
          : ""}
    </p>
  );
}
