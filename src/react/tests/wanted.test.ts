import { describe, expect, it } from "vitest";
import { union, type Wanted } from "../src/wanted.js";

const one = (streams: Wanted["streams"]): Wanted => ({ streams, all: false });
const all = (streams: Wanted["streams"]): Wanted => ({ streams, all: true });

describe("what several readers want", () => {
  it("is each stream from the lowest index on", () => {
    expect(union([one({ a: 3 }), one({ a: 1, b: 2 }), one({ a: null })])).toEqual(
      one({ a: 1, b: 2 }),
    );
  });

  it("is a stream from its beginning for who wants all, and has had nothing of it", () => {
    expect(union([one({ a: 3, b: 2 }), all({ b: 5 })])).toEqual(all({ a: 0, b: 2 }));
    expect(union([all({ b: 5 }), one({ a: 3 })])).toEqual(all({ a: 0, b: 5 }));
  });

  it("is nothing of a stream that who wants all has had to its end, and nobody else wants", () => {
    expect(union([all({ a: null }), one({ b: 1 })])).toEqual(all({ a: null, b: 0 }));
  });
});
