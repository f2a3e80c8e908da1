/** Every chunk once and in order, whatever the network does. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { isOld, streams } from "../support/client.js";
import { ask, close, collect, network, newRun, range, stored, ticking, ticks, until } from "../support/lab.js";
import { expectRejection } from "../support/rejections.js";
import { ReadableStream } from "../support/readable.js";

const STATUSES = [429, 500, 502, 503, 504];

/** Return where each of a run's pipes began or went on. */
async function begunAt(run: string): Promise<number[]> {
  const posts = await network.seen("POST", run);
  return posts.map((post) => Number(post.headers["x-resume-from-chunk"]));
}

/** Pipe `count` chunks and return what a reader has followed meanwhile. */
async function followed(run: string, count: number, ms: number): Promise<unknown[]> {
  const reading = streams.read(run, "out", { timeoutInSeconds: 60 }).then(collect);
  await streams.pipe("out", ticking(count, ms), { target: run }).waitUntilComplete();
  await close(run, "out");
  return reading;
}

export const resume = () =>
  describe("resume", { concurrency: 100 }, () => {
    it("goes on after the writer's connection was reset, several times", async () => {
      const run = newRun();
      const path = `${run}/self/out$`;
      await network.fail({ method: "POST", path, request_bytes: 700, times: 3 });
      assert.deepEqual(await followed(run, 300, 5), ticks(300));
      const begun = await begunAt(`${run}/self/out`);
      assert.equal(begun.length, 5, "four pipes, and a close");
      assert.equal(begun[0], 0);
      assert.ok(begun[1]! > 0 && begun[2]! > begun[1]! && begun[3]! > begun[2]!, `${begun}`);
    });

    it("goes on when the writer is cut in the middle of a chunk, and of its framing", async () => {
      const done = range(8).map(async (n) => {
        const run = newRun();
        const path = `${run}/self/out$`;
        await network.fail({ method: "POST", path, request_bytes: 200 + n, then: n % 2 ? "close" : "reset" });
        assert.deepEqual(await followed(run, 50, 5), ticks(50));
      });
      await Promise.all(done);
    });

    it("shows every chunk once also where some no longer count, which it does not know", async () => {
      const run = newRun();
      const path = `/realtime/v1/streams/${run}/self/out`;
      const reading = streams.read(run, "out", { timeoutInSeconds: 60 }).then(collect);
      await ask("POST", path, { body: '"As"\n"it was"\n' });
      await until(async () => (await network.seen("GET", `${run}/out`)).length);
      const headers = { "X-Stream-Supersedes": "1" };
      await ask("POST", path, { body: '"it is"\n', headers });
      await close(run, "out");
      assert.deepEqual(await reading, ["As", "it was", "it is"]);
    });

    it("stores once what it is sent again, since the answer was lost", async () => {
      const run = newRun();
      await network.fail({ method: "POST", path: `${run}/self/out$`, lose_answer: true });
      assert.deepEqual(await followed(run, 20, 1), ticks(20));
      // It sends its last eight chunks again, so that a missing one would be noticed.
      assert.deepEqual(await begunAt(`${run}/self/out`), [0, 12, NaN]);
    });

    it("goes on after refusals of each of its requests", async () => {
      const done = STATUSES.map(async (status) => {
        const run = newRun();
        const path = `${run}/self/out$`;
        await network.fail({ method: "PUT", path, status });
        await network.fail({ method: "POST", path, status, retry_after: 1 });
        await network.fail({ method: "POST", path, request_bytes: 100 });
        await network.fail({ method: "HEAD", path, status });
        assert.deepEqual(await followed(run, 30, 2), ticks(30));
      });
      await Promise.all(done);
    });

    it("drops what is there already when it cannot ask and begins again", async () => {
      const run = newRun();
      const path = `${run}/self/out$`;
      await network.fail({ method: "POST", path, request_bytes: 500 });
      await network.fail({ method: "HEAD", path, status: 503, times: 4 });
      assert.deepEqual(await followed(run, 100, 5), ticks(100));
      assert.deepEqual(await begunAt(path.slice(0, -1)), [0, 0, NaN]);
    });

    it("waits for slow answers, and asks again for those that do not come", async () => {
      const run = newRun();
      const path = `${run}/self/out$`;
      await network.fail({ method: "PUT", path, delay: 1 });
      await network.fail({ method: "GET", path: `${run}/out$`, delay: 1 });
      await network.fail({ method: "POST", path, delay: 0.5, request_bytes: 300 });
      // The writer asks how far it came, and takes five seconds of silence for a failure.
      await network.fail({ method: "HEAD", path, delay: 30 });
      assert.deepEqual(await followed(run, 60, 5), ticks(60));
      assert.ok((await network.seen("HEAD", run)).length > 1);
    });

    it("refuses to go on when the writer itself has lost chunks meanwhile", async () => {
      const run = newRun();
      const path = `${run}/self/out$`;
      async function* faster() {
        yield* ticking(100, 1);
        await until(async () => (await stored(run, "out")).length > 20);
        await network.reset("POST", path);
        // Its buffer holds 10,000, and its connection is away for two seconds at least.
        yield* ticks(20_000);
      }
      expectRejection("409");
      const { waitUntilComplete } = streams.pipe("out", faster(), { target: run });
      await assert.rejects(waitUntilComplete(), /409/);
      const found = await stored(run, "out");
      assert.deepEqual(found, ticks(found.length));
      assert.ok(found.length > 0);
    });

    it("appends once, however often it is refused or loses the answer", async () => {
      const run = newRun();
      const path = `${run}/self/out/append$`;
      await network.fail({ path, lose_answer: true });
      await network.fail({ path, status: 503 });
      await network.fail({ path, request_bytes: 0 });
      await streams.append("out", "one", { target: run });
      await streams.append("out", "two", { target: run });
      assert.deepEqual(await stored(run, "out"), ["one", "two"]);
    });

    it("goes on after the reader's connection was reset, several times", async () => {
      const run = newRun();
      const path = `${run}/out$`;
      for (const response_bytes of [1_000, 1_001, 50, 3_000, 0]) {
        await network.fail({ method: "GET", path, response_bytes });
      }
      assert.deepEqual(await followed(run, 400, 10), ticks(400));
      const reads = await network.seen("GET", `${run}/out`);
      assert.equal(reads.length, 6);
    });

    it("goes on when an event stream ends in the middle of an event", async () => {
      const done = range(6).map(async (n) => {
        const run = newRun();
        const path = `${run}/out$`;
        await network.fail({ method: "GET", path, response_bytes: 500 + 37 * n, then: "close" });
        assert.deepEqual(await followed(run, 100, 5), ticks(100));
      });
      await Promise.all(done);
    });

    it("replays a long stream over a connection that keeps breaking", async () => {
      const run = newRun();
      await streams.pipe("out", ReadableStream.from(ticks(5_000)), { target: run }).waitUntilComplete();
      await close(run, "out");
      for (const then of ["reset", "close", "reset"] as const) {
        await network.fail({ method: "GET", path: `${run}/out$`, response_bytes: 100_000, then });
      }
      assert.deepEqual(await collect(await streams.read(run, "out")), ticks(5_000));
    });

    it("reads on after refusals", async () => {
      const run = newRun();
      for (const status of isOld ? [503, 429] : STATUSES) {
        await network.fail({ method: "GET", path: `${run}/out$`, status });
      }
      assert.deepEqual(await followed(run, 50, 10), ticks(50));
    });

    it("survives a network that resets everything under way", async () => {
      const run = newRun();
      const following = followed(run, 300, 10);
      await stored(run, "out");
      for (const _ of range(2)) {
        await new Promise((resolve) => setTimeout(resolve, 700));
        await network.reset("GET", `${run}/out`);
        await network.reset("POST", `${run}/self/out`);
      }
      assert.deepEqual(await following, ticks(300));
    });
  });
