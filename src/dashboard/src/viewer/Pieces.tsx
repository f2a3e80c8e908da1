import type { Query } from "../search.js";
import { visible } from "../format.js";
import { piecesOf } from "./tokens.js";

/** Letters of a chunk that one line shows, whatever its length. */
const LINE = 600;

/** A text on one line, with its JSON coloured and its matches marked. */
export function Pieces({ text, isJson, query }: { text: string; isJson: boolean; query?: Query }) {
  const line = text.length > LINE ? text.slice(0, LINE) : text;
  return (
    <>
      {piecesOf(visible(line), isJson, query).map(({ text, look, isMatch }, place) =>
        isMatch ? (
          <mark key={place}>{text}</mark>
        ) : look ? (
          <span key={place} class={look}>
            {text}
          </span>
        ) : (
          text
        ),
      )}
      {text.length > LINE && <span class="cut">…</span>}
    </>
  );
}
