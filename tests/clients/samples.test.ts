/** The published samples, as they stand, do what they say. */

import assert from "node:assert/strict";
import { before, describe, it } from "node:test";

import { metadata, streams } from "./support/client.js";
import { close, collect, newRun, range, stored, ticks, until } from "./support/lab.js";
import { ANSWER } from "./support/model.js";
import { filterRejections } from "./support/rejections.js";
import { ReadableStream } from "./support/readable.js";
import { inRun, runTask } from "./support/task.js";

import * as outside from "./samples/outside.js";
import { POST } from "./samples/route.js";
import "./samples/tasks.js";

/** What the model's answer becomes as messages for a page: its text, and what stands around it. */
const textOf = (chunks: any[]) =>
  chunks.flatMap((chunk) => (chunk.type === "text-delta" ? [chunk.delta] : []));

const family = () => ({ id: newRun(), parentTaskRunId: newRun(), rootTaskRunId: newRun() });

describe(`the samples, with ${process.env.CLIENT}`, { timeout: 60_000 }, () => {
  before(filterRejections);

  it("outside a task need a target", () => {
    assert.throws(() => streams.pipe("key", ReadableStream.from([])), /target run ID/);
  });

  it("answer a request with the piped stream", async () => {
    const runId = newRun();
    const messages = [{ id: "1", role: "user", parts: [{ type: "text", text: "Why?" }] }];
    const body = JSON.stringify({ messages, runId });
    const answer = await POST(new Request("http://route", { method: "POST", body }));
    const lines = (await answer.text()).split("\n").filter((line) => line.startsWith("data: {"));
    assert.deepEqual(textOf(lines.map((line) => JSON.parse(line.slice(6)))), ANSWER);
    await until(async () => (await stored(runId, "ai-stream")).length === lines.length);
    assert.deepEqual(textOf(await stored(runId, "ai-stream")), ANSWER);
  });

  it("read, all of it and from an index", async () => {
    const run = newRun();
    await streams.pipe("my-stream", ReadableStream.from(range(12)), { target: run }).waitUntilComplete();
    await close(run, "my-stream");
    const all: unknown[] = [];
    await outside.reading(run, { log: (chunk) => all.push(chunk) });
    assert.deepEqual(all, range(12));
    const some: unknown[] = [];
    await outside.readingFrom(run, { log: (chunk) => some.push(chunk) });
    assert.deepEqual(some, [10, 11]);
  });

  it("need no key", async () => {
    const run = newRun();
    const { stream, readStream } = await outside.theDefaultStream(run);
    const local = await collect(stream);
    assert.deepEqual(textOf(local), ANSWER);
    await until(async () => (await stored(run)).length === local.length);
    await close(run);
    assert.deepEqual(await collect(readStream), local);
  });

  it("pipe in the old form and in the new one", async () => {
    const ids = family();
    const both = { before: ReadableStream.from(["old"]), after: ReadableStream.from(["new"]) };
    await runTask("old-and-new", both, ids);
    await until(async () => (await stored(ids.id, "my-stream")).length === 2);
    assert.deepEqual((await stored(ids.id, "my-stream")).sort(), ["new", "old"]);
  });

  it("pipe an answer, iterate over it, and wait for it", async () => {
    const ids = family();
    const seen: unknown[] = [];
    const done = await runTask("my-task", { myAIStream: ReadableStream.from(ticks(5)), seen }, ids);
    assert.deepEqual(done, { message: "Stream completed successfully" });
    assert.deepEqual(seen, ticks(5));
    assert.deepEqual(await stored(ids.id, "ai-stream"), ticks(5));
  });

  it("pipe to the root, to the parent and to another run", async () => {
    const ids = family();
    const otherRunId = newRun();
    const from = () => ReadableStream.from(ticks(3));
    await runTask("to-others", { message: "", otherRunId, from }, ids);
    for (const run of [ids.rootTaskRunId, ids.parentTaskRunId, otherRunId]) {
      assert.deepEqual(await stored(run, "ai-stream"), ticks(3));
    }
    assert.deepEqual(await stored(ids.id, "ai-stream"), []);
  });

  it("append, write and merge", async () => {
    const ids = family();
    await runTask("appending", {}, ids);
    await runTask("writing", {}, ids);
    await until(async () => (await stored(ids.id, "my-stream")).length === 5);
    const hello = range(4, 1).map((n) => `Hello, world${n > 1 ? ` ${n}` : ""}!`);
    assert.deepEqual(await stored(ids.id, "my-stream"), [hello[0], ...hello]);
  });

  it("append to the root and write to the parent", async () => {
    const ids = family();
    await runTask("writing-to-others", {}, ids);
    await until(async () => (await stored(ids.parentTaskRunId, "my-stream")).length);
    for (const run of [ids.rootTaskRunId, ids.parentTaskRunId]) {
      assert.deepEqual(await stored(run, "my-stream"), ["Hello, world!"]);
    }
  });

  it("define a stream once and use it everywhere", async () => {
    const ids = family();
    await inRun(ids, outside.aDefinedStream);
    // The answer's text, with four messages before it and four after.
    const hellos = 4;
    await until(async () => {
      const found = await stored(ids.id, "my-stream");
      return found.filter((chunk: any) => typeof chunk === "string").length === hellos &&
        found.some((chunk: any) => chunk.type === "finish");
    });
    await close(ids.id, "my-stream");
    const found = await collect(await outside.readingADefinedStream(ids.id));
    assert.deepEqual(textOf(found), ANSWER);
    assert.deepEqual(found.filter((chunk) => typeof chunk === "string").sort(), [
      "Hello, world 2!",
      "Hello, world 3!",
      "Hello, world!",
      "Hello, world!",
    ]);
  });

  it("in the old form write to parent and root, and in a root task to itself", async () => {
    const ids = family();
    await inRun(ids, async () => {
      await collect(await metadata.parent.stream("old", ReadableStream.from(["to parent"])));
      await collect(await metadata.root.stream("old", ReadableStream.from(["to root"])));
    });
    await until(async () => (await stored(ids.rootTaskRunId, "old")).length);
    assert.deepEqual(await stored(ids.parentTaskRunId, "old"), ["to parent"]);
    assert.deepEqual(await stored(ids.rootTaskRunId, "old"), ["to root"]);
    const alone = newRun();
    await inRun({ id: alone }, async () => {
      for (const target of ["self", "parent", "root"]) {
        await streams.append("own", target, { target });
      }
    });
    assert.deepEqual(await stored(alone, "own"), ["self", "parent", "root"]);
  });
});
