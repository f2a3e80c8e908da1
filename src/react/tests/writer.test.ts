/** The writer against a server, over a network that fails. */

import { realtimeStreams } from "@trigger.dev/core/v3";
import { configure, streams } from "@trigger.dev/sdk";
import { describe, expect, it, vi } from "vitest";
import { StreamManager, StreamWriter, type WriterOptions } from "../src/writer.js";
import { StreamReader } from "../src/reader.js";
import {
  ask,
  collect,
  network,
  range,
  secret,
  sleep,
  Stream,
  through,
  until,
} from "./support/lab.js";

function writerOf(stream: Stream, options: WriterOptions = {}): StreamWriter<any> {
  return new StreamWriter(stream.run, stream.key, { ...through, ...options });
}

/** All that is stored of a stream, by the server's own answer. */
async function stored(stream: Stream): Promise<unknown[]> {
  const path = `/realtime/v1/streams/${stream.run}/${stream.key}?wait=0&limit=10000`;
  const page = (await (await ask("GET", path)).json()) as { chunks: { data: unknown }[] };
  return page.chunks.map(({ data }) => data);
}

const posts = (stream: Stream) => network.seen(stream.run, "POST");

async function* slowly<T>(chunks: T[], ms = 5): AsyncGenerator<T> {
  for (const chunk of chunks) {
    await sleep(ms);
    yield chunk;
  }
}

function streamOf<T>(chunks: T[]): ReadableStream<T> {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
}

describe.concurrent("a writer", () => {
  it("stores what it is given, in order, whatever it is", async () => {
    const stream = new Stream();
    const writer = writerOf(stream);
    const chunks = ["text", 1.5, null, true, [1, [2]], { "ü\n": "🎈\u2028" }];
    for (const chunk of chunks) void writer.write(chunk);
    await writer.drain();
    expect(await stored(stream)).toEqual(chunks);
    expect(writer.lastIndex).toBe(5);
  });

  it("sends the first chunk at once, and gathers the others", async () => {
    const stream = new Stream();
    const writer = writerOf(stream, { lingerInMs: 10_000 });
    void writer.write("first");
    await until(() => writer.lastIndex === 0);
    for (const n of range(500)) void writer.write(n);
    await sleep(30);
    expect(await posts(stream)).toHaveLength(1);
    await writer.drain();
    expect(await stored(stream)).toEqual(["first", ...range(500)]);
    expect(await posts(stream)).toHaveLength(2);
  });

  it("gathers for as long as the server advises, unless it is told otherwise", async () => {
    const advising: typeof fetch = async (...given) => {
      const response = await fetch(...given);
      const headers = new Headers(response.headers);
      headers.set("X-Stream-Linger-Ms", "10000");
      return new Response(response.body, { status: response.status, headers });
    };
    for (const [lingerInMs, sent] of [[undefined, 2] as const, [0, 4] as const]) {
      const stream = new Stream();
      const writer = writerOf(stream, { fetch: advising, lingerInMs });
      void writer.write("first");
      await until(() => writer.lastIndex === 0);
      for (const n of range(3)) {
        void writer.write(n);
        await (lingerInMs === 0 ? until(() => writer.lastIndex === n + 1) : sleep(50));
      }
      await writer.drain();
      expect(await posts(stream)).toHaveLength(sent);
    }
  });

  it("gathers little where appends are quick", async () => {
    let sent = 0;
    const quick: typeof fetch = async () => {
      sent += 1;
      return Response.json({ last_index: 0, stop: false });
    };
    const writer = writerOf(new Stream(), { fetch: quick, leaseInSeconds: 0 });
    for (const n of range(40)) {
      void writer.write(n);
      await sleep(5);
    }
    await writer.drain();
    expect(sent).toBeGreaterThan(20); // with a fixed 100 ms there would be three
  });

  it("is drained of what was written before, however much goes on being written", async () => {
    const sent: string[] = [];
    const busy: typeof fetch = async (_, init) => {
      sent.push(init!.body as string);
      if (sent.length < 50) void writer.write(sent.length);
      return Response.json({ last_index: sent.length - 1, stop: false });
    };
    const options = { fetch: busy, leaseInSeconds: 0, lingerInMs: 10_000_000 };
    const writer: StreamWriter<number> = writerOf(new Stream(), options);
    void writer.write(0);
    await writer.drain();
    expect(sent).toEqual(["0\n"]);
    void writer.write(100);
    await writer.drain();
    expect(sent).toEqual(["0\n", "1\n100\n"]);
  });

  it("stores each chunk once, however often the connection breaks", async () => {
    const stream = new Stream();
    const path = stream.run;
    await network.fail({ method: "POST", path, lose_answer: true, times: 2 });
    await network.fail({ method: "POST", path, status: 503, times: 1 });
    await network.fail({ method: "POST", path, response_bytes: 0, then: "close" });
    const writers = [0, 1].map(() => writerOf(stream, { lingerInMs: 5 }));
    await Promise.all(
      writers.map((writer, w) => writer.pipe(slowly(range(60).map((n) => [w, n])))),
    );
    const found = (await stored(stream)) as [number, number][];
    for (const w of [0, 1]) {
      expect(found.filter(([by]) => by === w).map(([, n]) => n)).toEqual(range(60));
    }
    expect(found).toHaveLength(120);
  });

  it("cuts what it sends into batches of a bounded size", async () => {
    const stream = new Stream();
    const writer = writerOf(stream, { lingerInMs: 0 });
    const long = "x".repeat(100_000);
    const chunks = [...range(2500), long, long, long, "y".repeat(600_000), "end"];
    for (const chunk of chunks) void writer.write(chunk);
    await writer.drain();
    expect(await stored(stream)).toHaveLength(chunks.length);
    expect((await posts(stream)).length).toBeGreaterThan(5);
  });

  it("asks to wait when too much waits to be sent, and goes on when there is room", async () => {
    const stream = new Stream();
    await network.fail({ method: "POST", path: stream.run, delay: 0.1 });
    const writer = writerOf(stream);
    const first = vi.fn();
    for (const n of range(5)) void writer.write(`${n}${"x".repeat(1_000_000)}`).then(first);
    await sleep(0);
    expect(first).toHaveBeenCalledTimes(4);
    await until(() => first.mock.calls.length === 5);
    await writer.drain();
    expect(writer.lastIndex).toBe(4);
  });

  it("says what failed, to whoever writes or waits from then on", async () => {
    const stream = new Stream();
    await stream.append("before");
    await stream.close();
    const writer = writerOf(stream);
    void writer.write("late");
    await expect(writer.drain()).rejects.toMatchObject({ status: 409, code: "stream_closed" });
    await expect(writer.drain()).rejects.toMatchObject({ status: 409 });
    expect(() => writer.write("later")).toThrow("closed");
  });

  it("writes and closes nothing once another writer has taken the stream over", async () => {
    const stream = new Stream();
    const writers = [writerOf(stream), writerOf(stream)];
    for (const writer of writers) await writer.append("before");
    await ask("POST", `/realtime/v1/streams/${stream.run}/${stream.key}/take-over`);
    await expect(writers[0]!.append("late")).rejects.toMatchObject({ code: "fenced_off" });
    await expect(writers[1]!.close()).rejects.toMatchObject({ code: "fenced_off" });
    await writerOf(stream).append("after");
    expect(await stored(stream)).toEqual(["before", "before", "after"]);
  });

  it("takes over, and begins anew from where it says", async () => {
    const stream = new Stream();
    const old = writerOf(stream);
    for (const chunk of ["As", " it", " was"]) await old.append(chunk);
    const writer = writerOf(stream);
    expect(await writer.takeOver()).toBe(3);
    await expect(old.append("late")).rejects.toMatchObject({ code: "fenced_off" });
    await network.fail({ path: stream.run, method: "POST", times: 1, lose_answer: true });
    void writer.write(" that");
    writer.supersede(1);
    for (const chunk of [" it", " is"]) void writer.write(chunk);
    await writer.close();
    expect(await stored(stream)).toEqual(["As", " it", " was", " that", " it", " is"]);
    const reader = new StreamReader(stream.run, stream.key, through);
    expect((await collect(reader)).map(({ data }) => data)).toEqual(["As", " it", " is"]);
  });

  it("gives up after too many failures in a row", async () => {
    const writer = writerOf(new Stream(), { retries: 1, baseURL: "http://127.0.0.1:9" });
    void writer.write(1);
    await expect(writer.drain()).rejects.toMatchObject({ status: 0, code: "unreachable" });
  });

  it("asks for another token once when the one it has is refused", async () => {
    const stream = new Stream();
    const accessToken = vi.fn(async () => secret).mockResolvedValueOnce("old");
    const writer = writerOf(stream, { accessToken });
    void writer.write(1);
    await writer.drain();
    expect(await stored(stream)).toEqual([1]);
    expect(accessToken).toHaveBeenCalledTimes(2);
  });

  it("joins letters that were cut in halves, and loses no text over one that is alone", async () => {
    const stream = new Stream();
    const writer = writerOf(stream, { lingerInMs: 0 });
    await writer.pipe("ok 👍 bye".split(""));
    expect((await stored(stream)).join("")).toBe("ok 👍 bye");
    for (const half of ["so \ud83d", "\udc4d", { a: "\ud83d" }, "on\ud83d", "and on\ud83d"]) {
      void writer.write(half);
      await writer.drain();
    }
    await writer.close();
    const more = ["so ", "👍", { a: "\ufffd" }, "on", "\ufffdand on", "\ufffd"];
    expect((await stored(stream)).slice(9)).toEqual(more);
  });

  it("stores what a source leaves of a letter when it ends", async () => {
    const stream = new Stream();
    const writer = writerOf(stream);
    await writer.pipe(["cut\ud83d"]);
    await writer.pipe(["\udc4d anew"]);
    expect(await stored(stream)).toEqual(["cut", "\ufffd", "\ufffd anew"]);
  });

  it("appends a text as one chunk, also if it is half a letter", async () => {
    const stream = new Stream("out");
    const manager = new StreamManager(through);
    for (const text of ["\ud83d", "\udc4d ok", "👍", "cut \ud83d"]) {
      await manager.append("out", text, { target: stream.run });
    }
    expect(await stored(stream)).toEqual(["\ufffd", "\ufffd ok", "👍", "cut \ufffd"]);
  });

  it("needs no crypto, which Node 18 and React Native do not have", async () => {
    vi.stubGlobal("crypto", undefined);
    const stream = new Stream();
    const writers = [writerOf(stream), writerOf(stream)];
    vi.unstubAllGlobals();
    await Promise.all(writers.map((writer) => writer.pipe([1])));
    expect(await stored(stream)).toEqual([1, 1]);
  });

  it("refuses what is no JSON value, and what comes after the end", async () => {
    const stream = new Stream();
    const writer = writerOf(stream);
    expect(() => writer.write(undefined)).toThrow(TypeError);
    void writer.write(1);
    await writer.close("failed", "no more");
    expect(() => writer.write(2)).toThrow("closed");
    const reader = new StreamReader(stream.run, stream.key, through);
    expect(await collect(reader)).toHaveLength(1);
    expect(reader.closed).toEqual({ status: "failed", error: "no more", code: null });
  });

  it.each([
    ["an array", () => range(5)],
    ["a generator", () => slowly(range(5), 0)],
    ["a ReadableStream", () => streamOf(range(5))],
  ])("pipes %s", async (_, source) => {
    const stream = new Stream();
    await writerOf(stream).pipe(source());
    expect(await stored(stream)).toEqual(range(5));
  });

  it("stores what came before a source failed, and fails like it", async () => {
    const stream = new Stream();
    async function* failing() {
      yield* range(3);
      throw new Error("the model is gone");
    }
    await expect(writerOf(stream).pipe(failing())).rejects.toThrow("the model is gone");
    expect(await stored(stream)).toEqual(range(3));
  });

  it("closes the stream as failed when its source fails, unless it is to keep it open", async () => {
    async function* failing() {
      yield "so far";
      throw new RangeError(`cut \ud83d${"!".repeat(5000)}`);
    }
    const [closed, open] = [new Stream(), new Stream()];
    await expect(writerOf(closed).pipe(failing())).rejects.toThrow("cut");
    const reader = new StreamReader(closed.run, closed.key, through);
    expect(await collect(reader)).toHaveLength(1);
    expect(reader.closed!.status).toBe("failed");
    expect(reader.closed!.error).toMatch(/^RangeError: cut \ufffd!+$/);
    const writer = writerOf(open);
    await expect(writer.pipe(failing(), undefined, true)).rejects.toThrow("cut");
    await writer.pipe(["again"]);
    expect(await stored(open)).toEqual(["so far", "again"]);
  });

  it("leaves the stream open when its source fails as its signal aborts", async () => {
    const stream = new Stream();
    const controller = new AbortController();
    const { signal } = controller;
    const source = new ReadableStream<string>({
      start(to) {
        to.enqueue("so far");
        signal.addEventListener("abort", () => to.error(signal.reason));
      },
    });
    const writer = writerOf(stream);
    const piping = writer.pipe(source, signal).catch(() => {});
    await until(() => writer.lastIndex === 0);
    controller.abort();
    await piping;
    await writerOf(stream).pipe(["and more"]);
    expect(await stored(stream)).toEqual(["so far", "and more"]);
  });

  it("ends a source that is silent when the producer is asked to stop", async () => {
    const stream = new Stream();
    const cancel = vi.fn();
    const silent = new ReadableStream<string>({
      start: (controller) => controller.enqueue("only"),
      cancel,
    });
    const writer = writerOf(stream, { leaseInSeconds: 1 });
    const piping = writer.pipe(silent);
    await until(() => writer.lastIndex === 0);
    await ask("POST", `/realtime/v1/streams/${stream.run}/${stream.key}/stop`);
    await piping;
    expect(cancel).toHaveBeenCalledTimes(1);
    const reader = new StreamReader(stream.run, stream.key, through);
    await collect(reader);
    expect(reader.closed!.status).toBe("canceled");
  });

  it("ends a source that is silent once another writer has taken the stream over", async () => {
    const stream = new Stream();
    const silent = new ReadableStream<string>({ start: (to) => to.enqueue("only") });
    const writer = writerOf(stream, { leaseInSeconds: 1 });
    // It may be told before the one that takes over is answered.
    const refused = expect(writer.pipe(silent)).rejects.toMatchObject({ code: "fenced_off" });
    await until(() => writer.lastIndex === 0);
    await writerOf(stream).takeOver();
    await refused;
  });

  it.each([60, 0])("is told at its end that it was followed, with a lease of %i", async (lease) => {
    for (const end of [
      (writer: StreamWriter) => writer.release(),
      (writer: StreamWriter) => writer.pipe([]),
    ]) {
      const stream = new Stream();
      const writer = writerOf(stream, { leaseInSeconds: lease });
      await writer.takeOver();
      await writer.append("half an answer");
      await writerOf(stream).takeOver();
      await expect(end(writer)).rejects.toMatchObject({ code: "fenced_off" });
    }
  });

  it("refuses at once to supersede from what is no index", () => {
    const writer = writerOf(new Stream());
    for (const index of [-1, 1.5, NaN, Infinity, "1" as unknown as number]) {
      expect(() => writer.supersede(index)).toThrow(
        expect.objectContaining({ code: "invalid_index" }),
      );
    }
  });

  it("ends its source and closes the stream when the producer is asked to stop", async () => {
    const stream = new Stream();
    const writer = writerOf(stream, { lingerInMs: 1 });
    let isEnded = false;
    async function* endless() {
      try {
        for (let n = 0; ; n += 1) {
          await sleep(2);
          yield n;
        }
      } finally {
        isEnded = true;
      }
    }
    const piping = writer.pipe(endless());
    await until(() => writer.lastIndex > 2);
    await ask("POST", `/realtime/v1/streams/${stream.run}/${stream.key}/stop`);
    await piping;
    expect(writer.isStopped).toBe(true);
    await until(() => isEnded);
    const reader = new StreamReader(stream.run, stream.key, through);
    expect((await collect(reader)).length).toBeGreaterThan(2);
    expect(reader.closed!.status).toBe("canceled");
  });
});

describe.concurrent("the published SDK, with our manager", () => {
  configure({ baseURL: network.url, accessToken: secret });
  realtimeStreams.setGlobalManager(new StreamManager(through));

  it("lets go of what it gives back where nobody reads it", async () => {
    const stream = new Stream("out");
    async function* source() {
      for (let count = 0; count < 140; count += 1) yield "x".repeat(500_000);
    }
    const manager = new StreamManager(through);
    const { stream: copy, wait } = manager.pipe("out", source(), { target: stream.run });
    await wait();
    await expect(collect(copy)).rejects.toThrow("more than 64 MiB waited");
  });

  it("pipes, and gives back what it pipes", async () => {
    const stream = new Stream("out");
    await network.fail({ method: "POST", path: stream.run, lose_answer: true });
    const { stream: copy, waitUntilComplete } = streams.pipe("out", slowly(range(20)), {
      target: stream.run,
    });
    expect(await collect(copy)).toEqual(range(20));
    expect(await waitUntilComplete()).toEqual({ lastEventId: "19" });
    expect(await stored(stream)).toEqual(range(20));
    await stream.close();
    expect(await collect(await streams.read(stream.run, "out"))).toEqual(range(20));
  });

  it("is live while it pipes", async () => {
    const stream = new Stream("out");
    let release!: () => void;
    const released = new Promise<void>((resolve) => (release = resolve));
    async function* waiting() {
      yield "early";
      await released;
      yield "late";
    }
    const { waitUntilComplete } = streams.pipe("out", waiting(), { target: stream.run });
    await until(async () => (await stored(stream)).length === 1);
    release();
    await waitUntilComplete();
    expect(await stored(stream)).toEqual(["early", "late"]);
  });

  it("appends, writes, merges and uses what is defined", async () => {
    const stream = new Stream("out");
    const target = stream.run;
    const out = streams.define<{ n: number }>({ id: "out" });
    await streams.append("out", "text", { target });
    await out.append({ n: 1 }, { target });
    const { waitUntilComplete } = out.writer({
      target,
      execute({ write, merge }) {
        write({ n: 2 });
        merge(streamOf([{ n: 3 }]));
      },
    });
    await waitUntilComplete();
    expect(await stored(stream)).toEqual(["text", { n: 1 }, { n: 2 }, { n: 3 }]);
  });

  it("ends what it gives back, and its source, when the producer is asked to stop", async () => {
    const stream = new Stream("out");
    const cancel = vi.fn();
    const source = new ReadableStream<number>({ start: (to) => to.enqueue(1), cancel });
    const manager = new StreamManager({ ...through, leaseInSeconds: 1 });
    const { stream: copy, wait } = manager.pipe("out", source, { target: stream.run });
    const copied = collect(copy);
    await until(async () => (await stored(stream)).length === 1);
    await ask("POST", `/realtime/v1/streams/${stream.run}/out/stop`);
    await wait();
    expect(await copied).toEqual([1]);
    expect(cancel).toHaveBeenCalledTimes(1);
  });

  it("leaves the stream of a task that fails open, for its next attempt", async () => {
    const stream = new Stream("out");
    const target = stream.run;
    async function* failing() {
      yield 1;
      throw new Error("the model is gone");
    }
    const { stream: copy, wait } = new StreamManager(through).pipe("out", failing(), { target });
    const copied = expect(collect(copy)).rejects.toThrow("the model is gone");
    await expect(wait()).rejects.toThrow("the model is gone");
    await copied;
    await streams.pipe("out", slowly([2]), { target }).waitUntilComplete();
    expect(await stored(stream)).toEqual([1, 2]);
  });

  it("keeps what was written when its signal aborts", async () => {
    const stream = new Stream("out");
    const controller = new AbortController();
    const { waitUntilComplete } = streams.pipe("out", slowly(range(1000), 2), {
      target: stream.run,
      signal: controller.signal,
    });
    await until(async () => (await stored(stream)).length > 0);
    controller.abort();
    await waitUntilComplete();
    const found = await stored(stream);
    expect(found).toEqual(range(found.length));
    expect(found.length).toBeLessThan(1000);
  });
});

it("knows the runs that go by other names only when it is told them", async () => {
  const stream = new Stream("out");
  const manager = new StreamManager({ ...through, runOf: (target) => target && stream.run });
  await manager.append("out", 1, { target: "parent" });
  expect(await stored(stream)).toEqual([1]);
  await expect(manager.append("out", 2)).rejects.toMatchObject({ code: "no_run" });
  expect(() => new StreamManager(through).pipe("out", slowly([1]), { target: "self" })).toThrow();
});
