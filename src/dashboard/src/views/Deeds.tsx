/** What one may do to a run or a stream, and the dialog that asks first. */

import { signal } from "@preact/signals";
import { useState } from "preact/hooks";
import type { Ending, Status } from "../api.js";
import { clock } from "../clock.js";
import type { Deed } from "../deeds.js";
import { visible } from "../format.js";
import { whyNot, type Problem } from "../problem.js";
import { refresh } from "../refresh.js";
import { api, claims } from "../session.js";
import type { Place } from "../token.js";
import { Dialog } from "./Dialog.js";
import { Menu } from "./Menu.js";
import { Icon, say } from "./parts.js";
import { TokenMaker } from "./TokenMaker.js";

interface Wish {
  deed: Deed;
  /** Where to go, once it is done. */
  after: () => void;
}

/** What is asked about; nothing most of the time. */
const asked = signal<Wish | Place | undefined>(undefined);

/** A menu of *deeds*; without any that one may do there is none. */
export function Deeds({
  deeds,
  place,
  after,
}: {
  deeds: Deed[];
  place: Place;
  after: (deed: Deed) => void;
}) {
  const mayMakeTokens = claims.value === undefined;
  if (!deeds.length && !mayMakeTokens) return null;
  return (
    <Menu
      title="What can be done to it"
      label={
        <>
          Actions <Icon name="next" />
        </>
      }
    >
      {(shut) => {
        const choose = (wish: Wish | Place) => {
          shut();
          asked.value = wish;
        };
        return (
          <>
            {deeds.map((deed) => (
              <button
                key={deed.name}
                type="button"
                onClick={() => choose({ deed, after: () => after(deed) })}
              >
                {deed.name}
              </button>
            ))}
            {mayMakeTokens && (
              <button type="button" onClick={() => choose(place)}>
                Make a read token…
              </button>
            )}
          </>
        );
      }}
    </Menu>
  );
}

/** The dialog, if something is asked. */
export function Asked() {
  const wish = asked.value;
  const shut = () => (asked.value = undefined);
  if (!wish) return null;
  return "deed" in wish ? (
    <Question {...wish} shut={shut} />
  ) : (
    <TokenMaker place={wish} shut={shut} />
  );
}

function Question({ deed, after, shut }: Wish & { shut: () => void }) {
  const [ending, setEnding] = useState<Ending>({ status: deed.ending ?? "completed", error: null });
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  const act = async (close: () => void) => {
    setBusy(true);
    setProblem(undefined);
    try {
      await deed.do(api.value, ending);
      close();
      say(deed.done);
      after();
      refresh();
      if (deed.isGone) setTimeout(focusHere);
    } catch (error) {
      setProblem(whyNot(error, claims.value, deed.wanted, clock.now()));
      setBusy(false);
      refresh();
    }
  };
  return (
    <Dialog title={visible(deed.title)} onClose={shut}>
      {(close) => (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            void act(close);
          }}
          aria-busy={isBusy}
        >
          {deed.says.map((sentence) => (
            <p key={sentence}>{visible(sentence)}</p>
          ))}
          {deed.ending && <Fields ending={ending} set={setEnding} />}
          {problem && (
            <div class="trouble final compact" role="alert">
              <strong>{problem.title}</strong>
              <p>{problem.detail}</p>
            </div>
          )}
          <footer>
            <button type="button" class="button" onClick={close}>
              Cancel
            </button>
            <button
              type="submit"
              class={`button ${deed.isFinal ? "grave" : "primary"}`}
              disabled={isBusy}
            >
              {isBusy ? "Asking the server…" : deed.button}
            </button>
          </footer>
        </form>
      )}
    </Dialog>
  );
}

/** Where the menu was is nothing any more. */
const focusHere = () => document.querySelector<HTMLElement>(".crumbs [aria-current]")?.focus();

const STATUSES: Status[] = ["completed", "failed", "canceled"];

function Fields({ ending, set }: { ending: Ending; set: (ending: Ending) => void }) {
  return (
    <>
      <label>
        As
        <select
          value={ending.status}
          onChange={(event) => set({ ...ending, status: event.currentTarget.value as Status })}
        >
          {STATUSES.map((status) => (
            <option key={status}>{status}</option>
          ))}
        </select>
      </label>
      <label>
        Why (readers see it)
        <input
          type="text"
          maxLength={1000}
          onInput={(event) => set({ ...ending, error: event.currentTarget.value.trim() || null })}
        />
      </label>
    </>
  );
}
