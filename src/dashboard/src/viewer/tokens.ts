/** One line of a chunk in pieces of one look each: what JSON they are, and whether they match. */

import type { Query } from "../search.js";

export type Look = "" | "name" | "string" | "number" | "word";

export interface Piece {
  text: string;
  look: Look;
  isMatch: boolean;
}

const TOKEN =
  /("(?:[^"\\]|\\.)*"?)(\s*:)?|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(true|false|null)|[^"\d\w-]+|./gs;

/** Letters of a chunk that one line shows, whatever its length. */
const LINE = 400;

/** From here on a match may be beyond the edge of a line. */
const NEAR = 48;

/** What one line shows of *text*: its beginning, or where it matches. */
export function excerptOf(
  text: string,
  query?: Query,
): { text: string; isBegin: boolean; isEnd: boolean } {
  const [found] = query?.ranges(text, 1) ?? [];
  const from = found && found[1] > NEAR ? Math.max(0, found[0] - NEAR / 2) : 0;
  const end = from + LINE;
  return { text: text.slice(from, end), isBegin: from === 0, isEnd: end >= text.length };
}

/** Cut *text*, which may be JSON that was cut off. */
export function piecesOf(text: string, isJson: boolean, query?: Query): Piece[] {
  const pieces = isJson ? tokensOf(text) : [{ text, look: "" as Look, isMatch: false }];
  const ranges = query?.ranges(text) ?? [];
  return ranges.length ? marked(pieces, ranges) : pieces;
}

function tokensOf(text: string): Piece[] {
  const pieces: Piece[] = [];
  for (const [token, string, colon, number, word] of text.matchAll(TOKEN)) {
    if (string && colon) {
      pieces.push(piece(string, "name"), piece(colon, ""));
    } else {
      pieces.push(piece(token, string ? "string" : number ? "number" : word ? "word" : ""));
    }
  }
  return pieces;
}

const piece = (text: string, look: Look, isMatch = false): Piece => ({ text, look, isMatch });

function marked(pieces: Piece[], ranges: [number, number][]): Piece[] {
  const found: Piece[] = [];
  let begin = 0;
  let next = 0;
  for (const { text, look } of pieces) {
    const end = begin + text.length;
    let at = begin;
    while (at < end) {
      while (next < ranges.length && ranges[next]![1] <= at) next += 1;
      const [from, to] = ranges[next] ?? [Infinity, Infinity];
      const isMatch = from <= at;
      const until = Math.min(end, isMatch ? to : from);
      found.push(piece(text.slice(at - begin, until - begin), look, isMatch));
      at = until;
    }
    begin = end;
  }
  return found;
}
