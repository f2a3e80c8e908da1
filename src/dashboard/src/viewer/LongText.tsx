import { useState } from "preact/hooks";
import { count } from "../format.js";
import type { Query } from "../search.js";

/** Letters that are laid out at once. */
const PORTION = 20_000;

/** A text with its lines, and its matches marked. */
export function LongText({ text, query }: { text: string; query?: Query }) {
  const [shown, setShown] = useState(PORTION);
  const part = text.slice(0, shown);
  const ranges = query?.ranges(part, 500) ?? [];
  let at = 0;
  const pieces = ranges.flatMap(([from, to]) => {
    const found = [part.slice(at, from), <mark>{part.slice(from, to)}</mark>];
    at = to;
    return found;
  });
  return (
    <>
      <pre class="long" dir="auto">
        {pieces}
        {part.slice(at)}
      </pre>
      {text === "" && <span class="hint">An empty text</span>}
      {text.length > shown && (
        <button type="button" class="button" onClick={() => setShown(shown * 4)}>
          {count(text.length - shown)} more letters
        </button>
      )}
    </>
  );
}
