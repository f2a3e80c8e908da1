/** A door at which no event stream lasts for more than a few seconds. */

import assert from "node:assert/strict";
import { before, describe, it } from "node:test";

import { streams } from "./support/client.js";
import { close, collect, newRun, sleep, stored, ticks } from "./support/lab.js";
import { ReadableStream } from "./support/readable.js";
import { filterRejections } from "./support/rejections.js";

/** Chunks that take long enough, at one each quarter of a second, to outlast three deadlines. */
const CHUNKS = 80;

describe(`a deadline, to ${process.env.CLIENT}`, { timeout: 100_000 }, () => {
  before(filterRejections);

  it("is taken for a break and never for the end, and nothing is lost or doubled", async () => {
    const run = newRun();
    const reading = streams.read(run, "out", { timeoutInSeconds: 60 }).then(collect);
    for (const chunk of ticks(CHUNKS)) {
      await streams.append("out", chunk, { target: run });
      await sleep(250);
    }
    await close(run, "out");
    assert.deepEqual(await reading, ticks(CHUNKS));
    assert.deepEqual(await stored(run, "out"), ticks(CHUNKS));
  });

  it("leaves a pipe alone, whose chunks arrive together when it ends", async () => {
    const run = newRun();
    await streams.pipe("out", ReadableStream.from(ticks(CHUNKS)), { target: run }).waitUntilComplete();
    assert.deepEqual(await stored(run, "out"), ticks(CHUNKS));
  });
});
