/** Every call of `streams`, against a server that nothing happens to. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { ApiClient, isOld, streams } from "../support/client.js";
import { ask, baseURL, close, collect, complete, newRun, range, secret, sleep, stored, ticking, ticks, until } from "../support/lab.js";
import { expectRejection } from "../support/rejections.js";
import { ReadableStream } from "../support/readable.js";

export const calls = () =>
  describe("calls", { concurrency: 100 }, () => {
    it("pipes what a reader, attached before the first write, sees chunk by chunk", async () => {
      const run = newRun();
      const seen: string[] = [];
      const reading = (async () => {
        for await (const chunk of await streams.read<string>(run, "live")) seen.push(chunk);
      })();
      async function* inStep() {
        for (const n of range(20)) {
          yield `chunk ${n}`;
          await until(() => seen.length > n);
        }
      }
      const { waitUntilComplete } = streams.pipe("live", inStep(), { target: run });
      await waitUntilComplete();
      await close(run, "live");
      await reading;
      assert.deepEqual(seen, ticks(20));
    });

    it("gives the piped stream back, to iterate and to read", async () => {
      const run = newRun();
      const one = streams.pipe("one", ticking(5, 1), { target: run });
      assert.deepEqual(await collect(one.stream), ticks(5));
      const two = streams.pipe("two", ticking(5, 1), { target: run });
      const reader = two.stream.getReader();
      const found = [];
      for (let next = await reader.read(); !next.done; next = await reader.read()) {
        found.push(next.value);
      }
      assert.deepEqual(found, ticks(5));
      await Promise.all([one.waitUntilComplete(), two.waitUntilComplete()]);
      assert.deepEqual(await stored(run, "two"), ticks(5));
    });

    it("waits until everything is stored", async () => {
      const run = newRun();
      const { waitUntilComplete } = streams.pipe(ReadableStream.from(ticks(500)), { target: run });
      const done = await waitUntilComplete();
      assert.equal((await stored(run)).length, 500);
      // A writer of JSON lines knows no event ids; before 4.5 nothing was returned at all.
      assert.deepEqual(done, isOld ? undefined : {});
    });

    it("pipes any JSON value, and nothing at all", async () => {
      const run = newRun();
      const values = [null, 0, -1.5e300, true, "", "line\nbreak", "žluťoučký 🐎", [], { a: [{}] }];
      await streams.pipe(ReadableStream.from(values), { target: run }).waitUntilComplete();
      await streams.pipe("none", ReadableStream.from([]), { target: run }).waitUntilComplete();
      await Promise.all([close(run), close(run, "none")]);
      assert.deepEqual(await collect(await streams.read(run)), values);
      assert.deepEqual(await collect(await streams.read(run, "none")), []);
    });

    it("pipes a chunk of nearly a mebibyte", async () => {
      const run = newRun();
      const large = "x".repeat(1_000_000);
      await streams.pipe(ReadableStream.from([large, "after"]), { target: run }).waitUntilComplete();
      await close(run);
      assert.deepEqual(await collect(await streams.read(run)), [large, "after"]);
    });

    it("takes keys with spaces and letters of any script", async () => {
      const run = newRun();
      const key = "ключ 1 – ✓";
      await streams.append(key, "text", { target: run });
      await streams.pipe(key, ticking(2, 1), { target: run }).waitUntilComplete();
      await close(run, key);
      assert.deepEqual(await collect(await streams.read(run, key)), ["text", ...ticks(2)]);
    });

    it("appends to the default key and to a named one", async () => {
      const run = newRun();
      await streams.append("one", { target: run });
      await streams.append("named", "two", { target: run });
      await streams.append("named", "three", { target: run });
      await Promise.all([close(run), close(run, "named")]);
      assert.deepEqual(await collect(await streams.read(run)), ["one"]);
      assert.deepEqual(await collect(await streams.read(run, "named")), ["two", "three"]);
    });

    it("refuses to append more than 512 KiB, and says so at once", async () => {
      const run = newRun();
      const fits = "x".repeat(512 * 1024);
      await assert.rejects(streams.append(fits + "x", { target: run }), { status: 413 });
      await streams.append(fits, { target: run });
      assert.deepEqual(await stored(run), [fits]);
    });

    it("writes and merges", async () => {
      const run = newRun();
      const { stream, waitUntilComplete } = streams.writer<string>("out", {
        execute: ({ write, merge }) => {
          write("one");
          merge(ReadableStream.from(["merged 1", "merged 2"]));
          merge(ReadableStream.from(["other 1", "other 2"]));
          write("two");
        },
        target: run,
      });
      const local = await collect(stream);
      await waitUntilComplete();
      await close(run, "out");
      const found = await collect(await streams.read<string>(run, "out"));
      assert.deepEqual(found, local);
      assert.deepEqual(found.slice(0, 2), ["one", "two"]);
      assert.deepEqual(found.filter((chunk) => chunk.startsWith("merged")), ["merged 1", "merged 2"]);
      assert.deepEqual(found.filter((chunk) => chunk.startsWith("other")), ["other 1", "other 2"]);
    });

    it("defines a stream with all four calls", async () => {
      const run = newRun();
      const defined = streams.define<{ n: number }>({ id: "defined" });
      await defined.pipe(ReadableStream.from([{ n: 1 }, { n: 2 }]), { target: run }).waitUntilComplete();
      await defined
        .writer({ execute: ({ write }) => write({ n: 3 }), target: run })
        .waitUntilComplete();
      await defined.append({ n: 4 }, { target: run });
      await close(run, "defined");
      // Before 4.5 the client itself sent this text in place of an object.
      const last = isOld ? "[object Object]" : { n: 4 };
      assert.deepEqual(await collect(await defined.read(run)), [{ n: 1 }, { n: 2 }, { n: 3 }, last]);
    });

    it("reads from an index", async () => {
      const run = newRun();
      await streams.pipe("six", ReadableStream.from(range(6)), { target: run }).waitUntilComplete();
      await close(run, "six");
      const from = async (startIndex: number) =>
        collect(await streams.read<number>(run, "six", { startIndex }));
      assert.deepEqual(await from(0), range(6));
      assert.deepEqual(await from(1), range(5, 1));
      assert.deepEqual(await from(3), [3, 4, 5]);
      assert.deepEqual(await from(6), []);
      assert.deepEqual(await from(100), []);
    });

    it("ends a read quietly after silence, and only after silence", async () => {
      const run = newRun();
      // Far apart, so that a busy machine cannot make silence of them; and longer than the silence.
      const piped = streams.pipe(ticking(10, 1_200), { target: run });
      await until(async () => (await stored(run)).length);
      const found = await collect(await streams.read<string>(run, { timeoutInSeconds: 10 }));
      await piped.waitUntilComplete();
      assert.deepEqual(found, ticks(10));
    });

    it("refuses a time limit beyond ten minutes", async () => {
      const read = async () => collect(await streams.read(newRun(), { timeoutInSeconds: 601 }));
      // The older client tries a refused request five times more, for half a minute.
      if (!isOld) await assert.rejects(read, { status: 400 });
    });

    it("ends a read that is aborted", async () => {
      const run = newRun();
      await streams.append("one", { target: run });
      const abort = new AbortController();
      const found: unknown[] = [];
      const reading = async () => {
        for await (const chunk of await streams.read(run, { signal: abort.signal })) {
          found.push(chunk);
          abort.abort();
        }
      };
      await reading().catch((error) => assert.equal(error.name, "AbortError"));
      assert.deepEqual(found, ["one"]);
    });

    it("keeps what was piped before it was aborted", async () => {
      const run = newRun();
      const abort = new AbortController();
      expectRejection("Request aborted");
      const { waitUntilComplete } = streams.pipe(ticking(1_000, 10), {
        target: run,
        signal: abort.signal,
      });
      await until(async () => (await stored(run)).length > 5);
      abort.abort();
      await assert.rejects(waitUntilComplete(), /abort/i);
      const found = await stored(run);
      assert.deepEqual(found, ticks(found.length));
    });

    it("gathers several pipes in one stream, each in its own order", async () => {
      const run = newRun();
      const mine = (writer: number) => range(40).map((n) => `${writer}-${n}`);
      async function* slowly(writer: number) {
        for (const chunk of mine(writer)) {
          yield chunk;
          await sleep(5 + writer);
        }
      }
      const pipes = range(5).map((writer) => streams.pipe("all", slowly(writer), { target: run }));
      await Promise.all(pipes.map(({ waitUntilComplete }) => waitUntilComplete()));
      await close(run, "all");
      const found = await collect(await streams.read<string>(run, "all"));
      assert.equal(found.length, 200);
      for (const writer of range(5)) {
        assert.deepEqual(found.filter((chunk) => chunk.startsWith(`${writer}-`)), mine(writer));
      }
    });

    it("carries 3,000 chunks, 5 ms apart, to live readers", { timeout: 90_000 }, async () => {
      const run = newRun();
      const reading = range(3).map(async () => collect(await streams.read(run, "long")));
      await streams.pipe("long", ticking(3_000, 5), { target: run }).waitUntilComplete();
      await close(run, "long");
      for (const found of await Promise.all(reading)) assert.deepEqual(found, ticks(3_000));
    });

    it("replays a completed run, and refuses to write to it", async () => {
      const run = newRun();
      await streams.pipe("done", ticking(3, 1), { target: run }).waitUntilComplete();
      await complete(run);
      assert.deepEqual(await collect(await streams.read(run, "done")), ticks(3));
      const refused = { status: 400 };
      await assert.rejects(streams.append("done", "more", { target: run }), refused);
      for (const key of ["done", "another"]) {
        const created = new ApiClient(baseURL, secret).createStream(run, "self", key);
        await assert.rejects(created, refused);
      }
      expectRejection("on a completed run");
      const piped = streams.pipe("another", ticking(3, 1), { target: run });
      await assert.rejects(piped.waitUntilComplete(), refused);
      assert.deepEqual(await stored(run, "done"), ticks(3));
    });

    it("refuses to read a parent that is not set", async () => {
      const created = new ApiClient(baseURL, secret).createStream(newRun(), "parent", "key");
      await assert.rejects(created, { status: 404 });
    });

    it("reads only what comes from now on", { skip: isOld && "it came with 4.5.14" }, async () => {
      const run = newRun();
      await streams.append("key", "before", { target: run });
      const found: unknown[] = [];
      const reading = (async () => {
        for await (const chunk of await streams.read(run, "key", { from: "latest" })) {
          found.push(chunk);
        }
      })();
      await until(async () => {
        await streams.append("key", "after", { target: run });
        return found.length;
      });
      await close(run, "key");
      await reading;
      assert.ok(found.every((chunk) => chunk === "after"));
    });

    it("keeps an idle reader with pings, which it does not see", { timeout: 60_000 }, async () => {
      const run = newRun();
      const reading = streams.read(run, "quiet").then(collect);
      const headers = { Accept: "text/event-stream" };
      const raw = await ask("GET", `/realtime/v1/streams/${run}/quiet`, { headers });
      let said = "";
      for await (const piece of raw.body!.pipeThrough(new TextDecoderStream())) {
        said += piece;
        if (said.includes("event: ping")) break;
      }
      await streams.append("quiet", "at last", { target: run });
      await close(run, "quiet");
      assert.deepEqual(await reading, ["at last"]);
    });
  });
