import type { Query } from "../search.js";
import { visible } from "../format.js";
import { excerptOf, piecesOf } from "./tokens.js";

/** A text on one line, with its JSON coloured and its matches marked. */
export function Pieces({ text, isJson, query }: { text: string; isJson: boolean; query?: Query }) {
  const line = excerptOf(text, query);
  return (
    <>
      {!line.isBegin && <span class="cut">…</span>}
      {piecesOf(visible(line.text), isJson && line.isBegin, query).map(
        ({ text, look, isMatch }, place) =>
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
      {!line.isEnd && <span class="cut">…</span>}
    </>
  );
}
