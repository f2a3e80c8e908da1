/** The clients against the functions, behind a gateway that hands over whole bodies only. */

import assert from "node:assert/strict";
import { before, describe, it } from "node:test";

import { isOld, streams } from "./support/client.js";
import { ask, network, newRun, range, stored, ticking, ticks, until } from "./support/lab.js";
import { ReadableStream } from "./support/readable.js";
import { expectRejection, filterRejections } from "./support/rejections.js";

describe(`the functions, to ${process.env.CLIENT}`, { concurrency: 10, timeout: 90_000 }, () => {
  before(filterRejections);

  it("show a pipe when it has ended, and nothing of it before", async () => {
    const run = newRun();
    let finish = () => {};
    const finished = new Promise<void>((done) => (finish = done));
    async function* held() {
      yield* ticks(20);
      await finished;
    }
    const piped = streams.pipe("out", held(), { target: run });
    await until(async () => (await network.seen("POST", `${run}/self/out`)).length);
    await new Promise((resolve) => setTimeout(resolve, 500));
    assert.deepEqual(await stored(run, "out"), []);
    finish();
    await piped.waitUntilComplete();
    assert.deepEqual(await stored(run, "out"), ticks(20));
  });

  it("take appends, writers, and several pipes in one stream", async () => {
    const run = newRun();
    await streams.append("out", "one", { target: run });
    const { waitUntilComplete } = streams.writer("out", {
      execute: ({ write }) => write("two"),
      target: run,
    });
    await waitUntilComplete();
    const defined = streams.define<string>({ id: "out" });
    await defined.append("three", { target: run });
    const pipes = range(3).map(() => streams.pipe("out", ticking(5, 10), { target: run }));
    await Promise.all(pipes.map((pipe) => pipe.waitUntilComplete()));
    const found = await stored(run, "out");
    assert.deepEqual(found.slice(0, 3), ["one", "two", "three"]);
    assert.deepEqual(found.slice(3).sort(), range(3).flatMap(() => ticks(5)).sort());
  });

  it("store once what is cut, lost or refused on its way", async () => {
    const run = newRun();
    const path = `${run}/self/out$`;
    await network.fail({ method: "POST", path, request_bytes: 300 });
    await network.fail({ method: "POST", path, lose_answer: true });
    await streams.pipe("out", ticking(50, 5), { target: run }).waitUntilComplete();
    assert.deepEqual(await stored(run, "out"), ticks(50));
  });

  it("refuse a pipe of more than four mebibytes", async () => {
    expectRejection("413");
    const large = ReadableStream.from(range(5).map(() => "x".repeat(1_000_000)));
    const { waitUntilComplete } = streams.pipe("out", large, { target: newRun() });
    await assert.rejects(waitUntilComplete(), /413/);
  });

  it("take what is sent into a run", async () => {
    const run = newRun();
    await streams.input<object>({ id: "approval" }).send(run, { approved: true });
    const page = await ask("GET", `/realtime/v1/streams/${run}/input/approval?wait=0`);
    assert.match(await page.text(), /"data":"\{\\"approved\\":true\}"/);
  });

  it("say that they serve no event streams", { skip: isOld && "it asks for 31 s" }, async () => {
    const read = async () => {
      for await (const _ of await streams.read(newRun(), "out"));
    };
    await assert.rejects(read, { status: 422 });
  });
});
