import { expect, it } from "vitest";
import { rowOf } from "../src/octets/hex.js";
import { HELD, Held } from "../src/octets/held.js";
import { pathOf } from "../src/octets/reading.js";

it("shows a row by its place, its numbers and its letters, also the last, shorter one", () => {
  const bytes = Uint8Array.from([0, 72, 105, 255, 127]);
  expect(rowOf(bytes, 16, 8)).toEqual(["00000010", "00 48 69 ff  7f         ", "·Hi··"]);
});

it("holds the last bytes, and knows how many went before", () => {
  const held = new Held();
  for (let at = 0; at < 20; at += 1) held.append(new Uint8Array(HELD / 16).fill(at));
  expect([held.length, held.dropped]).toEqual([HELD, HELD / 4]);
  expect([held.slice(0, 1)[0], held.slice(HELD - 1)[0]]).toEqual([4, 19]);
});

it("finds a stream where the server has it", () => {
  expect(pathOf("run 1", "a/b%2F")).toBe("/v1/stream/run%201/a%2Fb%252F");
  expect(pathOf("durable-streams", "a%2Fb%20c")).toBe("/v1/stream/a/b%20c");
});
