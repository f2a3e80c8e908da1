import { pageOf, textIn, type Answer } from "./answers.js";
import type { Closed } from "./chunk.js";
import { membersOf } from "./jsonText.js";

/** What the server says of one of several streams. */
interface Said {
  /** There is none in a sign of life of the run as such. */
  key: string;
  chunks?: Answer<unknown>["chunks"];
  next_index?: number;
  tail?: number;
  closed?: Closed | null;
  leased_until?: number | null;
  error?: { code: string; message: string; first_index?: number; tail?: number };
}

/** The same, and its text: as it was written, and as other tabs are told of it. */
export interface Item {
  key: string;
  text: string;
  said: Said;
  /** The index from which on it tells all: chunks between that and its first are gone. */
  from: number;
}

/** Return the item that is *text*, which tells all from an index on. */
export function itemOf(text: string, from = 0): Item {
  const said = JSON.parse(text) as Said;
  return { key: said.key, text, said, from };
}

/** Return the items in the answer to a long poll. */
export const itemsOf = (text: string): Item[] =>
  membersOf(textIn(text, "streams")).map(([, item]) => itemOf(item));

/** Return the page that *item* is; with *isRaw* the data of chunks are their JSON as it was written. */
export const answerIn = <T>({ text, said }: Item, isRaw: boolean): Answer<T> =>
  isRaw ? pageOf<T>(text, true) : (said as Answer<T>);
