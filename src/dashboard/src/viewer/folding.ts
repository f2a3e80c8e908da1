/** A JSON value as lines that fold. */

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

/** Return the lines of *value* as *folds* says; unless it does, the top is open, and so are small ones. */
export function linesOf(value: unknown, folds: Folds): Line[] {
  const lines: Line[] = [];
  add(lines, value, undefined, "$", 0, folds);
  return lines;
}

function add(
  lines: Line[],
  value: unknown,
  name: string | undefined,
  path: string,
  depth: number,
  folds: Folds,
): void {
  const kind = kindOf(value);
  const members = membersOf(value);
  const isFoldable = members.length > 0;
  const isOpen = isFoldable && (folds.open.get(path) ?? isSmall(members.length, depth));
  lines.push({ path, depth, name, kind, text: textOf(value, kind), isFoldable, isOpen });
  if (!isOpen) return;
  const shown = folds.shown.get(path) ?? SHOWN;
  for (const [member, within] of members.slice(0, shown)) {
    add(lines, within, member, `${path}/${escaped(member)}`, depth + 1, folds);
  }
  const left = members.length - shown;
  if (left > 0) lines.push(moreOf(path, depth + 1, left));
}

function moreOf(path: string, depth: number, left: number): Line {
  const text = `${left} more`;
  return { path, depth, name: undefined, kind: "more", text, isFoldable: false, isOpen: false };
}

const isSmall = (members: number, depth: number): boolean =>
  depth === 0 || (depth < 3 && members <= 12);

function kindOf(value: unknown): Exclude<Line["kind"], "more"> {
  if (value === null) return "null";
  if (Array.isArray(value)) return "list";
  return typeof value as "object" | "string" | "number" | "boolean";
}

function membersOf(value: unknown): [string, unknown][] {
  if (Array.isArray(value)) return value.map((member, place) => [String(place), member]);
  return value && typeof value === "object" ? Object.entries(value) : [];
}

function textOf(value: unknown, kind: Line["kind"]): string {
  if (kind === "list") return `[${(value as unknown[]).length}]`;
  if (kind === "object") return `{${Object.keys(value as object).length}}`;
  return JSON.stringify(value);
}

const escaped = (name: string): string => name.replace(/~/g, "~0").replace(/\//g, "~1");
