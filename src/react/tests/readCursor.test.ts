import { describe, expect, it } from "vitest";
import type { Answer } from "../src/answers.js";
import { ReadCursor } from "../src/readCursor.js";
import { range } from "./support/range.js";

function answer(indexes: number[], { generation = "g", tail }: Said = {}): Answer<number> {
  const chunks = indexes.map((index) => ({
    index,
    data: index,
    id: `${generation}-${index}`,
    timestamp: 1,
  }));
  return { chunks, tail: tail ?? (indexes.at(-1) ?? -1) + 1 };
}

interface Said {
  generation?: string;
  tail?: number;
}

/** Take an answer; return what was new in it. */
function take(cursor: ReadCursor, indexes: number[], said?: Said) {
  const page = cursor.take(answer(indexes, said));
  return page && page.chunks.map(({ index }) => index);
}

function cursorAfter(...indexes: number[]): ReadCursor {
  const cursor = new ReadCursor();
  cursor.take(answer(indexes));
  return cursor;
}

describe("a cursor", () => {
  it("takes what comes next", () => {
    const cursor = cursorAfter(0, 1);
    expect(take(cursor, [2, 3])).toEqual([2, 3]);
    expect(cursor.next).toBe(4);
    expect(cursor.last!.index).toBe(3);
  });

  it("takes nothing twice", () => {
    const cursor = cursorAfter(0, 1, 2);
    expect(take(cursor, [1, 2, 3])).toEqual([3]);
    expect(take(cursor, [0, 1, 2, 3, 4])).toEqual([4]);
    expect(take(cursor, [0, 1], { tail: 5 })).toEqual([]);
  });

  it("knows what no longer counts by the highest tail, and nothing of another stream", () => {
    const cursor = cursorAfter(0, 1);
    cursor.take({ ...answer([2], { tail: 9 }), superseded: [[0, 2]] });
    const { superseded } = cursor;
    cursor.take({ ...answer([3], { tail: 4 }), superseded: [] });
    cursor.take({ ...answer([4], { tail: 9 }), superseded: [[0, 2]] });
    expect(cursor.superseded).toBe(superseded);
    cursor.take({ ...answer([5], { tail: 12 }), superseded: [[0, 11]] });
    expect(cursor.superseded).toEqual([[0, 11]]);
    expect(cursor.take(answer([0], { generation: "h" }))!.superseded).toEqual([]);
  });

  it("takes a gap for an error, and says so", () => {
    const cursor = cursorAfter(0);
    expect(cursor.misses(answer([2]))).toBe(true);
    expect(take(cursor, [2])).toBeUndefined();
    expect(cursor.next).toBe(1);
    expect(cursor.misses(answer([0, 1]))).toBe(false);
    expect(cursor.misses(answer([2], { generation: "h" }))).toBe(false);
    expect(new ReadCursor(1).misses(answer([2]))).toBe(true);
    expect(new ReadCursor().misses(answer([2]))).toBe(false);
  });

  it("begins at the oldest chunk that is left", () => {
    expect(take(new ReadCursor(), [5, 6])).toEqual([5, 6]);
  });

  it("begins where it is told to", () => {
    expect(take(new ReadCursor(2), range(5))).toEqual([2, 3, 4]);
  });

  it("begins at the tail when told to begin beyond it", () => {
    const cursor = new ReadCursor(50);
    expect(take(cursor, [], { tail: 3 })).toEqual([]);
    expect(cursor.next).toBe(3);
    expect(take(cursor, [3])).toEqual([3]);
    expect(take(new ReadCursor(50), [3], { tail: 4 })).toEqual([3]);
  });

  it("follows a stream that was begun anew, from its first chunk", () => {
    const cursor = cursorAfter(0, 1);
    const page = cursor.take(answer([0], { generation: "h" }))!;
    expect(page.anew).toBe(true);
    expect(page.chunks[0]!.id).toBe("h-0");
    expect(cursor.take(answer([1], { generation: "h" }))!.anew).toBe(false);
  });

  it.each([
    ["by its tail", [], { tail: 1 }],
    ["by its ids", [3], { generation: "h" }],
  ])(
    "notices that a stream was begun anew %s, and goes back to its beginning",
    (_, indexes, said) => {
      const cursor = cursorAfter(0, 1, 2);
      expect(take(cursor, indexes, said)).toBeUndefined();
      expect(cursor.next).toBe(0);
      expect(cursor.take(answer([0, 1], { generation: "h" }))!.anew).toBe(true);
    },
  );

  it("notices by an empty answer that as many chunks are those of another stream", () => {
    const cursor = cursorAfter(0, 1, 2);
    const empty = { chunks: [], tail: 3 };
    expect(cursor.take({ ...empty, generation: "g" })!.chunks).toEqual([]);
    expect(cursor.take({ ...empty, generation: "h" })).toBeUndefined();
    expect(cursor.next).toBe(0);
    expect(cursor.take(answer(range(3), { generation: "h" }))!.anew).toBe(true);
    expect(cursor.take({ ...empty, generation: "g" })).toBeUndefined();
    expect(cursor.take({ ...empty, generation: "h" })!.chunks).toEqual([]);
  });

  it("does not go back to a stream that it has left", () => {
    const cursor = cursorAfter(0, 1, 2);
    expect(take(cursor, [0, 1], { generation: "h" })).toEqual([0, 1]);
    expect(take(cursor, [0, 1, 2])).toBeUndefined();
    expect(take(cursor, [0, 1, 2], { generation: "h" })).toEqual([2]);
  });

  it("goes on with the oldest chunk that is left, and never back to what it has had", () => {
    const cursor = cursorAfter(0, 1, 2);
    cursor.move({ code: "index_expired", first_index: 2 });
    expect(cursor.next).toBe(3);
    cursor.move({ code: "index_expired", first_index: 7 });
    expect(cursor.next).toBe(7);
    expect(take(cursor, [7, 8])).toEqual([7, 8]);
    cursor.move({ code: "object_missing" });
    expect(cursor.next).toBe(9);
  });

  it("goes back to the beginning where it is told that another stream has begun", () => {
    const cursor = cursorAfter(0, 1, 2);
    cursor.move({ code: "index_expired", first_index: 0 });
    expect(cursor.next).toBe(0);
    expect(cursor.take(answer([0], { generation: "h" }))!.anew).toBe(true);
  });

  it("goes on where it was in a stream that was not begun anew after all", () => {
    const cursor = cursorAfter(0, 1, 2);
    expect(take(cursor, [], { tail: 1 })).toBeUndefined();
    expect(take(cursor, [0, 1, 2])).toBeUndefined();
    expect(cursor.next).toBe(3);
    expect(take(cursor, [4, 5], { generation: "h" })).toBeUndefined();
    expect(take(cursor, [0, 1, 2])).toBeUndefined();
    expect(cursor.take(answer([3]))).toMatchObject({ chunks: [{ index: 3 }], anew: false });
  });

  it("does not take a tail that is not told for another stream", () => {
    expect(take(cursorAfter(0, 1), [], { tail: Infinity })).toEqual([]);
  });
});
