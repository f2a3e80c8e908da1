/** Input streams: sent from outside, read by the run. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import {
  ApiClient,
  auth,
  client,
  inputStreams,
  StandardInputStreamManager,
  streams,
} from "../support/client.js";
import { baseURL, collect, complete, network, newRun, range, secret, stored, until } from "../support/lab.js";

interface Approval {
  approved: boolean;
  by: string;
}

/** What the run's own process does before its task begins. */
function attach(run: string): InstanceType<typeof StandardInputStreamManager> {
  const manager = new StandardInputStreamManager(client, baseURL);
  manager.setRunId(run, "v2");
  inputStreams.setGlobalManager(manager);
  return manager;
}

export const inputs = () =>
  describe("inputs", { concurrency: 100 }, () => {
    it("are sent from anywhere and read by the run", async () => {
      const run = newRun();
      const approval = streams.input<Approval>({ id: "approval" });
      const manager = attach(run);
      const first = approval.once();
      await approval.send(run, { approved: true, by: "Alžběta" });
      assert.deepEqual(await first.unwrap(), { approved: true, by: "Alžběta" });

      const seen: Approval[] = [];
      const { off } = approval.on((data) => void seen.push(data));
      for (const n of range(5)) await approval.send(run, { approved: false, by: `${n}` });
      await until(() => seen.length === 5);
      assert.deepEqual(seen.map(({ by }) => by), ["0", "1", "2", "3", "4"]);
      off();

      await approval.send(run, { approved: true, by: "buffered" });
      await until(() => approval.peek());
      assert.equal(approval.peek()!.by, "buffered");
      assert.equal((await approval.once().unwrap()).by, "buffered");
      const silence = await approval.once({ timeoutMs: 50 });
      assert.equal(silence.ok, false);
      manager.reset();
      await complete(run);
    });

    it("go on after the run's connection was reset, and come once", async () => {
      const run = newRun();
      const path = `${run}/input/steps`;
      await network.fail({ method: "POST", path, lose_answer: true });
      await network.fail({ method: "POST", path, status: 503 });
      const steps = streams.input<number>({ id: "steps" });
      for (const n of range(3)) await steps.send(run, n);
      assert.deepEqual(await stored(run, "$trigger.input:steps"), ["0", "1", "2"]);
      await network.fail({ method: "GET", path, response_bytes: 600 });
      await complete(run);
      const api = new ApiClient(baseURL, secret);
      const found = await collect(await api.fetchStream(run, "input/steps"));
      assert.deepEqual(found, ["0", "1", "2"]);
    });

    it("take a token that allows to send into this run", async () => {
      const run = newRun();
      const token = await auth.createPublicToken({
        scopes: { read: { runs: run }, write: { inputStreams: run } } as object,
      });
      const api = new ApiClient(baseURL, token);
      assert.deepEqual(await api.sendInputStream(run, "stop", { now: true }), { ok: true });
      await assert.rejects(api.sendInputStream(newRun(), "stop", {}), { status: 403 });
      assert.deepEqual(await stored(run, "$trigger.input:stop"), ['{"now":true}']);
    });

    it("of a completed run take nothing, and never more than a mebibyte", async () => {
      const run = newRun();
      const stop = streams.input<unknown>({ id: "stop" });
      await assert.rejects(stop.send(run, "x".repeat(1_048_576)), { status: 413 });
      await complete(run);
      await assert.rejects(stop.send(run, 1), { status: 400 });
    });
  });
