/** A public token to read with, made for somebody else and shown once. */

import { useState } from "preact/hooks";
import { clock } from "../clock.js";
import { duration, moment, visible } from "../format.js";
import { format } from "../route.js";
import { base, token } from "../session.js";
import { hindrance, signed } from "../signing.js";
import type { Place } from "../token.js";
import { Dialog } from "./Dialog.js";
import { Copy } from "./parts.js";

const LENGTHS = [900, 3600, 86_400, 7 * 86_400, 28 * 86_400];

interface Made {
  text: string;
  scope: string;
  expires: number;
  place: Place;
}

export function TokenMaker({ place, shut }: { place: Place; shut: () => void }) {
  const { run, key } = place;
  const [isWide, setWide] = useState(false);
  const [seconds, setSeconds] = useState(3600);
  const [made, setMade] = useState<Made>();
  const hinders = hindrance();
  const wanted = isWide ? { run } : place;
  const scope = wanted.key === undefined ? `read:runs:${run}` : `read:streams:${run}/${wanted.key}`;
  const make = async (event: Event) => {
    event.preventDefault();
    const now = clock.now();
    const text = await signed(token.value, [scope], now, seconds);
    setMade({ text, scope, expires: now + seconds * 1000, place: wanted });
  };
  return (
    <Dialog title="Make a read token" onClose={shut}>
      {(close) =>
        made ? (
          <Shown made={made} close={close} />
        ) : (
          <form onSubmit={make}>
            <p>
              Whoever has it can read{" "}
              {wanted.key === undefined ? "this run with all its streams" : "this stream"} until it
              expires, and do nothing else. It cannot be taken back before.
            </p>
            {key !== undefined && (
              <label>
                To read
                <select onChange={(event) => setWide(event.currentTarget.value === "run")}>
                  <option value="stream">{`the stream ${visible(key)}`}</option>
                  <option value="run">{`the run ${visible(run)}`}</option>
                </select>
              </label>
            )}
            <label>
              Expires in
              <select
                value={String(seconds)}
                onChange={(event) => setSeconds(Number(event.currentTarget.value))}
              >
                {LENGTHS.map((length) => (
                  <option key={length} value={String(length)}>
                    {duration(length * 1000)}
                  </option>
                ))}
              </select>
            </label>
            <p class="hint">
              Its scope: <code>{visible(scope)}</code>
            </p>
            {hinders && (
              <p class="trouble final compact" role="alert">
                {hinders}
              </p>
            )}
            <footer>
              <button type="button" class="button" onClick={close}>
                Cancel
              </button>
              <button type="submit" class="button primary" disabled={!!hinders}>
                Make the token
              </button>
            </footer>
          </form>
        )
      }
    </Dialog>
  );
}

function Shown({ made, close }: { made: Made; close: () => void }) {
  const { text, scope, expires, place } = made;
  const link = `${base}/dashboard${format(place)}?token=${encodeURIComponent(text)}`;
  return (
    <div class="form">
      <p>It is shown here once, and kept nowhere.</p>
      <textarea
        class="secret"
        readOnly
        rows={5}
        aria-label="The token"
        value={text}
        ref={(area) => area?.focus()}
      />
      <p class="hint">
        <code>{visible(scope)}</code>, until {moment(expires).slice(0, -4)}
      </p>
      <footer>
        <Copy text={text} what="the token" label="Copy" />
        <Copy text={link} what="a link that signs in with it" label="Copy a link" />
        <button type="button" class="button primary" onClick={close}>
          Done
        </button>
      </footer>
    </div>
  );
}
