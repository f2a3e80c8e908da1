/** Who looks: asked once per tab. */

import { useEffect, useRef, useState } from "preact/hooks";
import { Api, ApiError } from "../api.js";
import { clock } from "../clock.js";
import { expiredAt } from "../problem.js";
import { base, signIn } from "../session.js";
import { claimsOf, mayRead, placesOf } from "../token.js";
import { explain, type Problem } from "../problem.js";

export function SignIn() {
  const [isAsking, setAsking] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => input.current?.focus(), []);

  const submit = async (event: Event) => {
    event.preventDefault();
    const given = input.current!.value.trim();
    if (!given) return setProblem(EMPTY);
    setAsking(true);
    const found = await problemOf(given);
    setAsking(false);
    setProblem(found);
    if (!found) signIn(given);
  };

  return (
    <main class="signin">
      <form onSubmit={submit} aria-busy={isAsking}>
        <h1>
          <img src="dashboard/icon.svg" alt="" width="32" height="32" /> runstreams
        </h1>
        <label for="token">Secret key or public token</label>
        <input
          id="token"
          ref={input}
          type="password"
          autocomplete="off"
          spellcheck={false}
          aria-describedby="where"
          aria-invalid={problem ? true : undefined}
        />
        {problem && (
          <div class="trouble final compact" role="alert">
            <strong>{problem.title}</strong>
            <p>{problem.detail}</p>
          </div>
        )}
        <button type="submit" class="button primary" disabled={isAsking}>
          {isAsking ? "Asking the server…" : "Sign in"}
        </button>
        <p id="where" class="hint">
          <code>runstreams serve</code> says where its secret key is;{" "}
          <code>runstreams token --read RUN</code> makes a token that reads one run. It stays in
          this tab, and is forgotten with it.
        </p>
      </form>
    </main>
  );
}

const EMPTY: Problem = {
  title: "Nothing was given",
  detail: "Paste the key or token into the field.",
  isPassing: false,
  needsToken: false,
};

/** Ask for something that the token should reach; return why it does not serve. */
async function problemOf(given: string): Promise<Problem | undefined> {
  const claims = claimsOf(given);
  const api = new Api(base, given);
  const [place] = placesOf(claims);
  const wanted = place ? `read:runs:${place.run}` : "read:runs";
  try {
    if (expiredAt(claims, clock.now()))
      throw new ApiError(401, "unauthenticated", "it has expired");
    if (mayRead(claims, "runs")) await api.runs();
    else if (place?.key) await api.stream(place.run, place.key);
    else if (place) await api.run(place.run);
    else throw new ApiError(403, "unauthorized", "it has no scope to read");
  } catch (error) {
    // What is not there yet may be read all the same.
    if (error instanceof ApiError && error.isMissing) return undefined;
    return explain(error, claims, wanted, clock.now());
  }
  return undefined;
}
