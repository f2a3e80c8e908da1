import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it, vi } from "vitest";
import { iterate } from "../src/sources.js";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

describe("what a source has given", () => {
  it.each([undefined, new AbortController().signal])(
    "is not kept until its end",
    async (signal) => {
      const given: WeakRef<object>[] = [];
      async function* source() {
        for (let n = 0; n < 100; n += 1) {
          const chunk = { n };
          given.push(new WeakRef(chunk));
          yield chunk;
        }
      }
      for await (const { n } of iterate(source(), signal)) {
        if (n < 99) continue;
        await new Promise((resolve) => setTimeout(resolve, 10));
        collectGarbage();
        expect(given.filter((one) => one.deref()).length).toBeLessThan(10);
      }
    },
  );

  it("leaves nothing at a signal that outlives it", async () => {
    const { signal } = new AbortController();
    const added = vi.spyOn(signal, "addEventListener");
    const removed = vi.spyOn(signal, "removeEventListener");
    for await (const _ of iterate([1, 2, 3], signal));
    expect(removed.mock.calls.length).toBe(added.mock.calls.length);
  });
});
