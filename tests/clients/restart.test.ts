/** The server dies in the middle of everything, and comes back on the same port. */

import assert from "node:assert/strict";
import { before, describe, it } from "node:test";

import { streams } from "./support/client.js";
import { close, collect, newRun, range, server, sleep, stored, ticking, ticks, until } from "./support/lab.js";
import { filterRejections } from "./support/rejections.js";

const CHUNKS = 400;

describe(`a server that restarts, to ${process.env.CLIENT}`, { timeout: 100_000 }, () => {
  before(filterRejections);

  it("costs neither a chunk nor a double, whether it was killed or stopped", async () => {
    const runs = range(4).map(newRun);
    const following = runs.map(async (run) => {
      const reading = streams.read(run, "out", { timeoutInSeconds: 60 }).then(collect);
      await streams.pipe("out", ticking(CHUNKS, 12), { target: run }).waitUntilComplete();
      await close(run, "out");
      return reading;
    });
    for (const end of [server.kill, server.stop]) {
      const [run] = runs;
      const had = (await stored(run!, "out")).length;
      await until(async () => (await stored(run!, "out")).length > had + 30);
      await end();
      // Long enough to be refused in the meantime.
      await sleep(500);
      await server.start();
    }
    for (const found of await Promise.all(following)) assert.deepEqual(found, ticks(CHUNKS));
    for (const run of runs) assert.deepEqual(await stored(run, "out"), ticks(CHUNKS));
  });
});
