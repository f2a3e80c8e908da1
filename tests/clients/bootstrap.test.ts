/** What `docs/compatibility.md` tells to do outside a trigger.dev worker, and what is without it. */

import assert from "node:assert/strict";
import { it } from "node:test";

import { streams } from "@trigger.dev/sdk";

import { newRun, stored } from "./support/lab.js";

async function appended(): Promise<unknown[]> {
  const run = newRun();
  await streams.append("key", "text", { target: run });
  return stored(run, "key");
}

it("nothing is written by a process that is not told how", async () => {
  assert.deepEqual(await appended(), []);
});

it("a plain process writes after the two lines", { skip: process.env.HOW !== "node" }, async () => {
  await import("./bootstrap/runstreams.js");
  assert.deepEqual(await appended(), ["text"]);
});

it("a Next.js server writes once it is registered", { skip: process.env.HOW !== "next" }, async () => {
  const { register } = await import("./bootstrap/instrumentation.js");
  process.env.NEXT_RUNTIME = "edge";
  await register();
  assert.deepEqual(await appended(), []);
  process.env.NEXT_RUNTIME = "nodejs";
  await register();
  assert.deepEqual(await appended(), ["text"]);
});
