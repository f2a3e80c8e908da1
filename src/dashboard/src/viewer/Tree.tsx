/** A JSON value whose lists and objects fold. */

import { useMemo, useState } from "preact/hooks";
import { visible } from "../format.js";
import { Icon } from "../views/parts.js";
import { LongText } from "./LongText.js";
import { linesOf, SHOWN, type Folds, type Line } from "./folding.js";

/** Letters of a member that are shown before one asks for all. */
const MEMBER = 300;

/** What reads better when it is shown as it is meant. */
const ESCAPED = /\\[nu]/;

export function Tree({ json, folds }: { json: string; folds: Folds }) {
  const [version, setVersion] = useState(0);
  const lines = useMemo(() => linesOf(json, folds), [json, version]);
  const change = (act: () => void) => () => {
    act();
    setVersion(version + 1);
  };
  return (
    <div class="tree">
      {lines.map((line) =>
        line.kind === "more" ? (
          <div key={`${line.path}/…`} class={`branch depth-${Math.min(line.depth, 20)}`}>
            <button
              type="button"
              class="button"
              onClick={change(() =>
                folds.shown.set(line.path, (folds.shown.get(line.path) ?? SHOWN) * 4),
              )}
            >
              {line.text}
            </button>
          </div>
        ) : (
          <Branch
            key={line.path}
            line={line}
            toggle={change(() => folds.open.set(line.path, !line.isOpen))}
          />
        ),
      )}
    </div>
  );
}

function Branch({ line, toggle }: { line: Line; toggle: () => void }) {
  const { name, kind, text, isFoldable, isOpen, depth } = line;
  const label = name === undefined ? "the value" : name;
  return (
    <div class={`branch depth-${Math.min(depth, 20)}`}>
      {isFoldable ? (
        <button
          type="button"
          class="fold"
          aria-expanded={isOpen}
          aria-label={visible(label)}
          onClick={toggle}
        >
          <Icon name="fold" />
        </button>
      ) : (
        <i class="fold" />
      )}
      {name !== undefined && (
        <>
          <bdi class="member">{visible(name)}</bdi>
          <span class="colon">:</span>
        </>
      )}
      <Leaf kind={kind} text={text} isOpen={isOpen} />
    </div>
  );
}

function Leaf({ kind, text, isOpen }: { kind: Line["kind"]; text: string; isOpen: boolean }) {
  const [isAll, setAll] = useState(false);
  if (kind === "list" || kind === "object") return <span class={isOpen ? "hint" : ""}>{text}</span>;
  const look = kind === "boolean" || kind === "null" ? "word" : kind;
  const isLong = text.length > MEMBER || (kind === "string" && ESCAPED.test(text));
  if (isLong && isAll) return <LongText text={kind === "string" ? JSON.parse(text) : text} />;
  return (
    <>
      <bdi class={`leaf ${look}`}>{visible(text.slice(0, MEMBER))}</bdi>
      {isLong && (
        <button type="button" class="button" onClick={() => setAll(true)}>
          all of it
        </button>
      )}
    </>
  );
}
