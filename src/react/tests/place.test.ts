import { describe, expect, it } from "vitest";
import type { Answer } from "../src/answers.js";
import { Place } from "../src/place.js";
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
function take(place: Place, indexes: number[], said?: Said) {
  const page = place.take(answer(indexes, said));
  return page && page.chunks.map(({ index }) => index);
}

function placeAfter(...indexes: number[]): Place {
  const place = new Place();
  place.take(answer(indexes));
  return place;
}

describe("a place", () => {
  it("takes what comes next", () => {
    const place = placeAfter(0, 1);
    expect(take(place, [2, 3])).toEqual([2, 3]);
    expect(place.next).toBe(4);
    expect(place.last!.index).toBe(3);
  });

  it("takes nothing twice", () => {
    const place = placeAfter(0, 1, 2);
    expect(take(place, [1, 2, 3])).toEqual([3]);
    expect(take(place, [0, 1, 2, 3, 4])).toEqual([4]);
    expect(take(place, [0, 1], { tail: 5 })).toEqual([]);
  });

  it("knows what no longer counts by the highest tail, and nothing of another stream", () => {
    const place = placeAfter(0, 1);
    place.take({ ...answer([2], { tail: 9 }), superseded: [[0, 2]] });
    const { superseded } = place;
    place.take({ ...answer([3], { tail: 4 }), superseded: [] });
    place.take({ ...answer([4], { tail: 9 }), superseded: [[0, 2]] });
    expect(place.superseded).toBe(superseded);
    place.take({ ...answer([5], { tail: 12 }), superseded: [[0, 11]] });
    expect(place.superseded).toEqual([[0, 11]]);
    expect(place.take(answer([0], { generation: "h" }))!.superseded).toEqual([]);
  });

  it("takes a gap for an error, and says so", () => {
    const place = placeAfter(0);
    expect(place.misses(answer([2]))).toBe(true);
    expect(take(place, [2])).toBeUndefined();
    expect(place.next).toBe(1);
    expect(place.misses(answer([0, 1]))).toBe(false);
    expect(place.misses(answer([2], { generation: "h" }))).toBe(false);
    expect(new Place(1).misses(answer([2]))).toBe(true);
    expect(new Place().misses(answer([2]))).toBe(false);
  });

  it("begins at the oldest chunk that is left", () => {
    expect(take(new Place(), [5, 6])).toEqual([5, 6]);
  });

  it("begins where it is told to", () => {
    expect(take(new Place(2), range(5))).toEqual([2, 3, 4]);
  });

  it("begins at the tail when told to begin beyond it", () => {
    const place = new Place(50);
    expect(take(place, [], { tail: 3 })).toEqual([]);
    expect(place.next).toBe(3);
    expect(take(place, [3])).toEqual([3]);
    expect(take(new Place(50), [3], { tail: 4 })).toEqual([3]);
  });

  it("follows a stream that was begun anew, from its first chunk", () => {
    const place = placeAfter(0, 1);
    const page = place.take(answer([0], { generation: "h" }))!;
    expect(page.anew).toBe(true);
    expect(page.chunks[0]!.id).toBe("h-0");
    expect(place.take(answer([1], { generation: "h" }))!.anew).toBe(false);
  });

  it.each([
    ["by its tail", [], { tail: 1 }],
    ["by its ids", [3], { generation: "h" }],
  ])(
    "notices that a stream was begun anew %s, and goes back to its beginning",
    (_, indexes, said) => {
      const place = placeAfter(0, 1, 2);
      expect(take(place, indexes, said)).toBeUndefined();
      expect(place.next).toBe(0);
      expect(place.take(answer([0, 1], { generation: "h" }))!.anew).toBe(true);
    },
  );

  it("notices by an empty answer that as many chunks are those of another stream", () => {
    const place = placeAfter(0, 1, 2);
    const empty = { chunks: [], tail: 3 };
    expect(place.take({ ...empty, generation: "g" })!.chunks).toEqual([]);
    expect(place.take({ ...empty, generation: "h" })).toBeUndefined();
    expect(place.next).toBe(0);
    expect(place.take(answer(range(3), { generation: "h" }))!.anew).toBe(true);
    expect(place.take({ ...empty, generation: "g" })).toBeUndefined();
    expect(place.take({ ...empty, generation: "h" })!.chunks).toEqual([]);
  });

  it("does not go back to a stream that it has left", () => {
    const place = placeAfter(0, 1, 2);
    expect(take(place, [0, 1], { generation: "h" })).toEqual([0, 1]);
    expect(take(place, [0, 1, 2])).toBeUndefined();
    expect(take(place, [0, 1, 2], { generation: "h" })).toEqual([2]);
  });

  it("goes on with the oldest chunk that is left, and never back to what it has had", () => {
    const place = placeAfter(0, 1, 2);
    place.move({ code: "index_expired", first_index: 2 });
    expect(place.next).toBe(3);
    place.move({ code: "index_expired", first_index: 7 });
    expect(place.next).toBe(7);
    expect(take(place, [7, 8])).toEqual([7, 8]);
    place.move({ code: "object_missing" });
    expect(place.next).toBe(9);
  });

  it("goes back to the beginning where it is told that another stream has begun", () => {
    const place = placeAfter(0, 1, 2);
    place.move({ code: "index_expired", first_index: 0 });
    expect(place.next).toBe(0);
    expect(place.take(answer([0], { generation: "h" }))!.anew).toBe(true);
  });

  it("goes on where it was in a stream that was not begun anew after all", () => {
    const place = placeAfter(0, 1, 2);
    expect(take(place, [], { tail: 1 })).toBeUndefined();
    expect(take(place, [0, 1, 2])).toBeUndefined();
    expect(place.next).toBe(3);
    expect(take(place, [4, 5], { generation: "h" })).toBeUndefined();
    expect(take(place, [0, 1, 2])).toBeUndefined();
    expect(place.take(answer([3]))).toMatchObject({ chunks: [{ index: 3 }], anew: false });
  });

  it("does not take a tail that is not told for another stream", () => {
    expect(take(placeAfter(0, 1), [], { tail: Infinity })).toEqual([]);
  });
});
