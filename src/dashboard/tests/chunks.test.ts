import { describe, expect, it } from "vitest";
import { Chunks, keep, type Kept } from "../src/chunks.js";

const chunk = (index: number, text = `${index}`.padStart(4, "-")): Kept =>
  keep({ index, data: JSON.stringify(text), timestamp: 1000 + index });
const range = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, n) => chunk(from + n));
const indexes = (chunks: Chunks) => chunks.slice(0, chunks.length).map(({ index }) => index);

describe("a chunk", () => {
  it.each(["12.50", "null", "true", '{ "a": [1, "\\u00fc"], "a": -0 }', "[]"])(
    "%s is kept as it was written",
    (data) => {
      const kept = keep({ index: 3, data, timestamp: 17 });
      expect(kept).toEqual({ index: 3, timestamp: 17, isString: false, text: data });
    },
  );

  it.each([
    ['"text"', "text"],
    ['""', ""],
    ['"\\u00fc\\n\\"null"', 'ü\n"null'],
  ])("%s is kept as it is meant", (data, text) => {
    expect(keep({ index: 0, data, timestamp: 0 })).toMatchObject({ isString: true, text });
  });
});

describe("the chunks", () => {
  it("let go of the first when there are too many", () => {
    const chunks = new Chunks({ chunks: 32, bytes: 1e6 });
    expect(chunks.append(range(0, 32))).toEqual([]);
    expect(chunks.append(range(32, 33)).map(({ index }) => index)).toEqual([0, 1, 2]);
    expect([chunks.length, chunks.dropped, chunks.first!.index, chunks.last!.index]).toEqual([
      30, 3, 3, 32,
    ]);
    expect(chunks.bytes).toBe(30 * 4);
  });

  it("let go of the first when they are too large together", () => {
    const chunks = new Chunks({ chunks: 1000, bytes: 160 });
    chunks.append(range(0, 41));
    expect(chunks.bytes).toBe(148);
    expect(indexes(chunks)).toEqual(range(4, 41).map(({ index }) => index));
  });

  it("keep one that is too large alone", () => {
    const chunks = new Chunks({ chunks: 10, bytes: 8 });
    chunks.append([chunk(0), chunk(1, "x".repeat(100))]);
    expect(indexes(chunks)).toEqual([1]);
  });

  it("keep all, and say so, when nothing may be let go", () => {
    const chunks = new Chunks({ chunks: 4, bytes: 1e6 });
    expect(chunks.append(range(0, 6), false)).toEqual([]);
    expect([chunks.isFull, chunks.length]).toEqual([true, 6]);
  });

  it("take earlier ones for as long as there is room", () => {
    const chunks = new Chunks({ chunks: 6, bytes: 1e6 });
    chunks.append(range(10, 13));
    expect(chunks.prepend(range(4, 10)).map(({ index }) => index)).toEqual([7, 8, 9]);
    expect(indexes(chunks)).toEqual([7, 8, 9, 10, 11, 12]);
    expect(chunks.bytes).toBe(24);
    expect(chunks.prepend(range(0, 7))).toEqual([]);
    const small = new Chunks({ chunks: 100, bytes: 20 });
    small.append(range(10, 13));
    small.prepend(range(0, 10));
    expect(indexes(small)).toEqual([8, 9, 10, 11, 12]);
  });

  it("know where an index is, also where some have expired", () => {
    const chunks = new Chunks();
    chunks.append([...range(3, 5), ...range(8, 10)]);
    expect([0, 3, 4, 5, 8, 9, 10].map((index) => chunks.position(index))).toEqual([
      0, 0, 1, 2, 2, 3, 4,
    ]);
    chunks.clear();
    expect([chunks.position(4), chunks.length, chunks.bytes, chunks.first]).toEqual([
      0,
      0,
      0,
      undefined,
    ]);
  });
});
