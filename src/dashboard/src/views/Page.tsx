/** The page around the views. */

import { useEffect, useMemo } from "preact/hooks";
import { go, route } from "../navigation.js";
import { format } from "../route.js";
import { OneRun, RunList, wantedStatus } from "../runs.js";
import { api, claims, mayList, places, signOut, token } from "../session.js";
import { nextTheme, theme } from "../theme.js";
import { title } from "../title.js";
import { moment, visible } from "../format.js";
import { mayRead } from "../token.js";
import { Asked } from "./Deeds.js";
import { Icon, Name, Said } from "./parts.js";
import { Run } from "./Run.js";
import { Runs } from "./Runs.js";
import { SignIn } from "./SignIn.js";
import { Stream } from "./Stream.js";
import { Trouble } from "./Trouble.js";

export function Page() {
  return (
    <>
      {token.value ? <Inside /> : <SignIn />}
      <Asked />
      <Said />
    </>
  );
}

function Inside() {
  const { run, key } = route.value;
  const asks = api.value;
  const status = wantedStatus.value;
  const list = useMemo(
    () => (mayList.value ? new RunList(asks, status && { status }) : undefined),
    [asks, status],
  );
  const canList = run !== undefined && mayRead(claims.value, "runs", run);
  const one = useMemo(() => (canList ? new OneRun(asks, run) : undefined), [asks, run, canList]);
  useEffect(() => () => list?.stop(), [list]);
  useEffect(() => () => one?.stop(), [one]);
  useEffect(() => title(...[key, run].flatMap((name) => name ?? [])), [run, key]);
  useEffect(() => {
    // A token for one run leads to it.
    const [place, ...more] = places.value;
    if (run === undefined && !list && place && !more.length) go(place);
  }, [run, list]);
  const screen = key !== undefined ? "stream" : run !== undefined ? "run" : "runs";
  return (
    <div class="shell" data-screen={screen}>
      <Bar />
      <Runs list={list} one={one} />
      {key !== undefined ? (
        <Stream key={`${run}/${key}`} api={asks} run={run!} streamKey={key} one={one} />
      ) : run === undefined ? (
        <Welcome />
      ) : one ? (
        <Run key={run} one={one} api={asks} />
      ) : (
        <Unreadable run={run} />
      )}
    </div>
  );
}

/** Nothing is chosen yet. */
function Welcome() {
  return (
    <main class="page blank">
      <h1 class="unseen">Runs</h1>
      <p class="empty">Choose a run to see its streams.</p>
    </main>
  );
}

/** The token does not read this run; single streams of it, perhaps. */
function Unreadable({ run }: { run: string }) {
  const isPartly = places.value.some((place) => place.run === run);
  return (
    <main class="page">
      <h1 class="unseen">{visible(run)}</h1>
      {isPartly ? (
        <p class="empty">This token reads single streams of this run: choose one of them.</p>
      ) : (
        <Trouble error={{ status: 403 }} wanted={`read:runs:${run}`} />
      )}
    </main>
  );
}

function Bar() {
  const { run, key } = route.value;
  const expires = claims.value?.expires;
  return (
    <header class="bar">
      <a class="brand" href="#/" aria-label="runstreams: all runs">
        <img src="dashboard/icon.svg" alt="" width="20" height="20" /> <span>runstreams</span>
      </a>
      <nav class="crumbs" aria-label="Where you are">
        <ol>
          <li>
            <a href="#/" aria-current={run === undefined ? "page" : undefined}>
              Runs
            </a>
          </li>
          {run !== undefined && (
            <li>
              <a
                href={format({ run })}
                title={run}
                aria-current={key === undefined ? "page" : undefined}
              >
                <Name>{run}</Name>
              </a>
            </li>
          )}
          {key !== undefined && (
            <li>
              <a href={format({ run, key })} title={key} aria-current="page">
                <Name>{key}</Name>
              </a>
            </li>
          )}
        </ol>
      </nav>
      <button
        type="button"
        class="button"
        onClick={nextTheme}
        title="Light, dark, or as the system has it"
      >
        <Icon name="theme" />
        <span class="label">{{ auto: "Auto", light: "Light", dark: "Dark" }[theme.value]}</span>
        <span class="unseen"> theme</span>
      </button>
      <button
        type="button"
        class="button"
        onClick={() => signOut()}
        title={expires ? `This token expires at ${moment(expires)}` : "Forget the key in this tab"}
      >
        Sign out
      </button>
    </header>
  );
}
