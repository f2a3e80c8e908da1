/** What went wrong, and what to do about it. */

import { clock } from "../clock.js";
import { explain } from "../problem.js";
import { claims, signOut } from "../session.js";

export function Trouble({
  error,
  wanted,
  compact,
}: {
  error: unknown;
  wanted: string;
  compact?: boolean;
}) {
  const { title, detail, isPassing, needsToken } = explain(
    error,
    claims.value,
    wanted,
    clock.second.value,
  );
  return (
    <div
      class={`trouble ${isPassing ? "passing" : "final"} ${compact ? "compact" : ""}`}
      role="alert"
    >
      <strong>{title}</strong>
      <p>{detail}</p>
      {needsToken && (
        <button type="button" class="button" onClick={() => signOut()}>
          Sign in with another one
        </button>
      )}
    </div>
  );
}
