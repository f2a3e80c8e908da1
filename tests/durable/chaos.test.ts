/** The official client reads on over a network that fails, from a server that is killed. */
import { stream } from "@durable-streams/client";
import { expect, test } from "vitest";

const COUNT = Number(process.env.COUNT);
const url = `${process.env.SERVED}/v1/stream/run_1/values`;
const headers = { authorization: `Bearer ${process.env.SECRET}` };

test.concurrent.each(["long-poll", "sse"] as const)(
  "a live reader by %s has every value once and in order",
  async (live) => {
    const got: number[] = [];
    let offset = "-1";
    // The client tries some failures again by itself; of others it tells, and is asked again. Where
    // nothing but the end is left it tells of nothing more, so what has come says when it is over.
    while (got.length < COUNT) {
      try {
        const read = await stream<number>({ url, headers, offset, live });
        read.subscribeJson(async (batch) => {
          got.push(...batch.items);
          offset = batch.offset;
          if (got.length >= COUNT) read.cancel();
        });
        await read.closed;
      } catch {
        // It goes on from the last offset that it was told.
      }
    }
    expect(got).toEqual(Array.from({ length: COUNT }, (_, at) => at));
  },
);
