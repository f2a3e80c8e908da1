/** Whatever goes wrong, and wherever: what is drawn from a seed. */

import assert from "node:assert/strict";
import { before, it } from "node:test";

import { streams } from "./support/client.js";
import { close, collect, network, newRun, range, stored, ticking, ticks } from "./support/lab.js";
import { filterRejections } from "./support/rejections.js";

before(filterRejections);

it(`seed ${process.env.SEED}`, { timeout: 280_000 }, async () => {
  await network.chaos({ seed: Number(process.env.SEED), share: 0.3 });
  const runs = range(12).map(newRun);
  const reading = runs.map((run) => streams.read(run, "out", { timeoutInSeconds: 300 }).then(collect));
  await Promise.all(
    runs.map((run) => streams.pipe("out", ticking(300, 10), { target: run }).waitUntilComplete()),
  );
  await network.clear();
  for (const run of runs) {
    assert.deepEqual(await stored(run, "out"), ticks(300));
    await close(run, "out");
  }
  for (const found of await Promise.all(reading)) assert.deepEqual(found, ticks(300));
});
