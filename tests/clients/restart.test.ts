/** The server dies in the middle of everything, and comes back on the same port. */

import assert from "node:assert/strict";
import { before, describe, it } from "node:test";

import { streams } from "./support/client.js";
import { close, collect, newRun, range, server, sleep, stored, ticks, until } from "./support/lab.js";
import { filterRejections } from "./support/rejections.js";

const MORE = 30;

/** Yield chunks until `over`, however long what happens meanwhile takes. */
async function* tickingUntil(over: () => boolean): AsyncGenerator<string> {
  for (let n = 0; !over(); n += 1) {
    yield `chunk ${n}`;
    await sleep(12);
  }
}

describe(`a server that restarts, to ${process.env.CLIENT}`, { timeout: 100_000 }, () => {
  before(filterRejections);

  it("costs neither a chunk nor a double, whether it was killed or stopped", async () => {
    const runs = range(4).map(newRun);
    let over = false;
    const following = runs.map(async (run) => {
      const reading = streams.read(run, "out", { timeoutInSeconds: 60 }).then(collect);
      const source = tickingUntil(() => over);
      await streams.pipe("out", source, { target: run }).waitUntilComplete();
      await close(run, "out");
      return reading;
    });
    for (const end of [server.kill, server.stop]) {
      const [run] = runs;
      const had = (await stored(run!, "out")).length;
      await until(async () => (await stored(run!, "out")).length > had + MORE);
      await end();
      // Long enough to be refused in the meantime.
      await sleep(500);
      await server.start();
    }
    over = true;
    for (const [at, found] of (await Promise.all(following)).entries()) {
      assert.notEqual(found.length, 0);
      assert.deepEqual(found, ticks(found.length));
      assert.deepEqual(await stored(runs[at]!, "out"), found);
    }
  });
});
