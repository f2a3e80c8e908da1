import { describe, expect, it } from "vitest";
import { Halves, lineOf } from "../src/halves.js";

describe("texts that were cut", () => {
  const joined = (...chunks: unknown[]) => {
    const halves = new Halves();
    const found = chunks.map((chunk) => halves.join(chunk));
    return [...found, halves.rest(), halves.rest()];
  };

  it.each([
    [
      ["\ud83d", "\udc4d"],
      ["", "👍", "", ""],
    ],
    [
      ["a\ud83d", "\udc4db\ud83d", "", "\udc4d"],
      ["a", "👍b", "", "👍", "", ""],
    ],
    [
      ["a👍", "b"],
      ["a👍", "b", "", ""],
    ],
    [
      ["a\ud83d", { b: 1 }, "\udc4d"],
      ["a", { b: 1 }, "👍", "", ""],
    ],
    [
      ["a\ud83d", "b"],
      ["a", "\ud83db", "", ""],
    ],
    [["a\ud83d\ud83d"], ["a\ud83d", "\ud83d", ""]],
  ])("are joined: %j", (chunks, expected) => {
    expect(joined(...chunks)).toEqual(expected);
  });
});

describe("a line", () => {
  it.each([
    ["👍 \\ud83d", '"👍 \\\\ud83d"'],
    ["\\\ud83d", '"\\\\\ufffd"'],
    ["\udc4d\ud83d", '"\ufffd\ufffd"'],
    [{ "\ud83d": ["\udc4d\n"] }, '{"\ufffd":["\ufffd\\n"]}'],
    ["\u0000\ud7ff\ue000", '"\\u0000\ud7ff\ue000"'],
    [undefined, undefined],
  ])("has no halves: %j", (chunk, line) => {
    expect(lineOf(chunk)).toBe(line);
  });
});
