/** A JSON value as lines that fold. */

import { membersOf } from "../../../react/src/jsonText.js";

export interface Line {
  /** Names the value within its chunk. */
  path: string;
  depth: number;
  /** The name in an object, the place in a list; none at the top. */
  name: string | undefined;
  kind: "object" | "list" | "string" | "number" | "boolean" | "null" | "more";
  /** The value, or what is in it. */
  text: string;
  isFoldable: boolean;
  isOpen: boolean;
}

/** Members that are shown of one list or object before one asks for more. */
export const SHOWN = 100;

/** What the reader opened or shut, by path; and of which he wants to see more. */
export interface Folds {
  open: Map<string, boolean>;
  shown: Map<string, number>;
}

export const newFolds = (): Folds => ({ open: new Map(), shown: new Map() });

/**
 * Return the lines of the value whose JSON is *text*, as *folds* says; unless it does, the top is open,
 * and so are small ones. They show what was written: parsed, numbers would be rounded, and members lost.
 */
export function linesOf(text: string, folds: Folds): Line[] {
  const lines: Line[] = [];
  add(lines, text, undefined, "$", 0, folds);
  return lines;
}

function add(
  lines: Line[],
  json: string,
  name: string | undefined,
  path: string,
  depth: number,
  folds: Folds,
): void {
  const kind = kindOf(json);
  const members = membersOf(json);
  const isFoldable = members.length > 0;
  const isOpen = isFoldable && (folds.open.get(path) ?? isSmall(members.length, depth));
  const text = textOf(json, kind, members.length);
  lines.push({ path, depth, name, kind, text, isFoldable, isOpen });
  if (!isOpen) return;
  const shown = folds.shown.get(path) ?? SHOWN;
  // By its place, since names may come twice.
  members.slice(0, shown).forEach(([member, within], place) => {
    add(lines, within, member, `${path}/${place}`, depth + 1, folds);
  });
  const left = members.length - shown;
  if (left > 0) lines.push(moreOf(path, depth + 1, left));
}

function moreOf(path: string, depth: number, left: number): Line {
  const text = `${left} more`;
  return { path, depth, name: undefined, kind: "more", text, isFoldable: false, isOpen: false };
}

const isSmall = (members: number, depth: number): boolean =>
  depth === 0 || (depth < 3 && members <= 12);

const KINDS = {
  "{": "object",
  "[": "list",
  '"': "string",
  t: "boolean",
  f: "boolean",
  n: "null",
} as const;

const kindOf = (json: string) => KINDS[json[0] as keyof typeof KINDS] ?? "number";

function textOf(json: string, kind: Line["kind"], members: number): string {
  if (kind === "list") return `[${members}]`;
  return kind === "object" ? `{${members}}` : json;
}
