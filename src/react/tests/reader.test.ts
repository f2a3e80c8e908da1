/** The reader against a server, over a network that fails. */

import { describe, expect, it, vi } from "vitest";
import type { Chunk, Span, Status } from "../src/chunk.js";
import { StreamReader, type ReaderOptions, type Transport } from "../src/streamReader.js";
import { StreamError } from "../src/errors.js";
import { lostFrom } from "../src/superseding.js";
import {
  ask,
  baseURL,
  collect,
  network,
  range,
  restarting,
  secret,
  serving,
  Stream,
  through,
  until,
} from "./support/lab.js";

function read(stream: Stream, options: ReaderOptions = {}): StreamReader<any> {
  return new StreamReader(stream.run, stream.key, { ...through, ...options });
}

const dataOf = (chunks: Chunk<any>[]) => chunks.map(({ data }) => data);

/** A stream with `count` numbers in it, closed. */
async function numbers(count: number): Promise<Stream> {
  const stream = new Stream();
  await stream.append(...range(count));
  await stream.close();
  return stream;
}

const BOTH: Transport[] = ["events", "poll"];

describe.concurrent.each(BOTH)("a reader by %s", (transport) => {
  it("brings what is there and what comes, until the stream is closed", async () => {
    const stream = new Stream("key");
    const said: Status[] = [];
    const reader = read(stream, { transport, onStatus: (status) => said.push(status) });
    const reading = collect(reader);
    await until(() => reader.status === "live");
    await stream.append("one", { two: [2, null] });
    await until(() => reader.lastIndex === 1);
    await stream.append("drei 🎈\u2028");
    await stream.close("failed", "the model is gone");
    const chunks = await reading;
    expect(dataOf(chunks)).toEqual(["one", { two: [2, null] }, "drei 🎈\u2028"]);
    expect(chunks.map(({ index }) => index)).toEqual([0, 1, 2]);
    expect(new Set(chunks.map(({ id }) => id)).size).toBe(3);
    expect(Math.abs(chunks[0]!.timestamp - Date.now())).toBeLessThan(3_600_000);
    expect(said).toEqual(["live", "closed"]);
    expect(reader.closed).toEqual({ status: "failed", error: "the model is gone", code: null });
  });

  it.each([
    [{ startIndex: 3 }, [3, 4]],
    [{ startIndex: -2 }, [3, 4]],
    [{ startIndex: -20 }, [0, 1, 2, 3, 4]],
    [{ startIndex: 5 }, []],
    [{ from: "beginning" }, [0, 1, 2, 3, 4]],
    [{ from: "tail" }, []],
  ] as const)("begins as %j says", async (options, expected) => {
    const chunks = await collect(read(await numbers(5), { transport, ...options }));
    expect(dataOf(chunks)).toEqual(expected);
  });

  it("begins at the tail when told to begin beyond it", async () => {
    const stream = new Stream();
    await stream.append(0, 1);
    const reader = read(stream, { transport, startIndex: 50 });
    const reading = collect(reader);
    await until(() => reader.status === "live");
    await stream.append(2);
    await stream.close();
    expect(dataOf(await reading)).toEqual([2]);
  });

  it("loses nothing from the tail on when the connection breaks before the first chunk", async () => {
    const stream = new Stream();
    await stream.append("old");
    const reader = read(stream, { transport, from: "tail" });
    const reading = collect(reader);
    await until(() => reader.status === "live");
    await network.fail({ path: stream.run, status: 503, times: 3 });
    await until(() => network.reset(stream.run));
    await stream.append("new");
    await stream.close();
    expect(dataOf(await reading)).toEqual(["new"]);
  });

  it("gets each chunk once, however often the connection breaks", async () => {
    const stream = new Stream();
    for (const [n, then] of (["reset", "close", "reset", "close"] as const).entries()) {
      await network.fail({ path: stream.run, response_bytes: 300 + 1501 * n, then });
    }
    const reader = read(stream, { transport, timeoutInSeconds: 30 });
    const reading = collect(reader);
    for (const first of range(20).map((n) => n * 10)) {
      await stream.append(...range(10, first).map((n) => `chunk ${n} ${"x".repeat(n)}`));
      if (first % 60 === 50) await network.reset(stream.run);
    }
    await stream.close();
    const chunks = await reading;
    expect(chunks.map(({ index }) => index)).toEqual(range(200));
    expect(chunks[150]!.data).toBe(`chunk 150 ${"x".repeat(150)}`);
    expect((await stream.reads()).length).toBeGreaterThan(4);
  });

  it("ends after so many seconds of silence", async () => {
    const stream = new Stream();
    await stream.append("only");
    const reader = read(stream, { transport, timeoutInSeconds: 1 });
    expect(dataOf(await collect(reader))).toEqual(["only"]);
    expect(reader.status).toBe("silent");
    expect(reader.closed).toBeUndefined();
  });

  it("gives up where it may not read, and says why", async () => {
    const asked = vi.fn(fetch);
    const options = { transport, baseURL, fetch: asked, accessToken: "wrong" };
    const reader = read(new Stream(), options);
    await expect(collect(reader)).rejects.toMatchObject({ status: 401, code: "unauthenticated" });
    expect(reader.status).toBe("failed");
    expect(reader.error).toBeInstanceOf(StreamError);
    expect(asked).toHaveBeenCalledTimes(1);
  });

  it("asks for another token once when the one it has is refused", async () => {
    const stream = await numbers(2);
    // Not through the network: what it breaks for another test may be a connection of this one.
    const direct = { transport, baseURL };
    const accessToken = vi.fn(async () => "wrong").mockResolvedValueOnce("old");
    accessToken.mockResolvedValueOnce(secret);
    expect(dataOf(await collect(read(stream, { ...direct, accessToken })))).toEqual([0, 1]);
    expect(accessToken).toHaveBeenCalledTimes(2);
    const never = vi.fn(() => "wrong");
    const reading = collect(read(stream, { ...direct, accessToken: never }));
    await expect(reading).rejects.toMatchObject({ status: 401 });
    expect(never).toHaveBeenCalledTimes(2);
  });

  it("tries again when the token cannot be had at first", async () => {
    const accessToken = vi.fn(async () => secret).mockRejectedValueOnce(new TypeError("offline"));
    const said: Status[] = [];
    const options = { transport, accessToken, onStatus: (status: Status) => said.push(status) };
    expect(await collect(read(await numbers(2), options))).toHaveLength(2);
    expect(said[0]).toBe("retrying");
  });

  it("tries again what may pass, and goes on", async () => {
    const stream = await numbers(3);
    await network.fail({ path: stream.run, status: 503, times: 2 });
    const said: Status[] = [];
    const reader = read(stream, { transport, onStatus: (status) => said.push(status) });
    expect(await collect(reader)).toHaveLength(3);
    // What other tests break may be a connection of this one: then it does so again.
    expect([...new Set(said)]).toEqual(["retrying", "live", "closed"]);
  });

  it("gives up when there is no progress for too many times", async () => {
    const trying = vi.fn(fetch);
    await serving(
      (_, response) => response.writeHead(503).end(),
      async (baseURL) => {
        const reader = read(new Stream(), { transport, retries: 2, baseURL, fetch: trying });
        await expect(collect(reader)).rejects.toMatchObject({ status: 503 });
      },
    );
    expect(trying).toHaveBeenCalledTimes(3);
  });

  it("says that the server cannot be reached", async () => {
    const reader = read(new Stream(), { transport, retries: 1, baseURL: "http://127.0.0.1:9" });
    await expect(collect(reader)).rejects.toMatchObject({ status: 0, code: "unreachable" });
    expect(reader.error!.cause).toBeInstanceOf(TypeError);
  });

  it("follows a stream that is deleted and begun anew, and says so", async () => {
    const stream = new Stream();
    await stream.append("a", "b", "c");
    const reader = read(stream, { transport });
    const anew: boolean[] = [];
    const found: unknown[] = [];
    const reading = (async () => {
      for await (const page of reader.pages()) {
        for (const { data } of page.chunks) found.push(data);
        anew.push(page.anew);
      }
    })();
    await until(() => found.length === 3);
    await stream.delete();
    await stream.append("d");
    await until(() => found.length === 4);
    await stream.append("e");
    await stream.close();
    await reading;
    expect(found).toEqual(["a", "b", "c", "d", "e"]);
    expect(anew.filter(Boolean)).toHaveLength(1);
  });

  it("leaves out what no longer counts, and says where what it gave does not", async () => {
    const stream = new Stream();
    await stream.append("As", " it", " was");
    const reader = read(stream, { transport });
    const reading = collect(reader);
    await until(() => reader.lastIndex === 2);
    const lost = { code: "rolled_back", facts: { index: 1 } };
    const telling = expect(reading).rejects.toMatchObject(lost);
    await stream.supersede(1, " it", " is");
    await telling;
    await stream.close();
    expect(dataOf(await collect(read(stream, { transport })))).toEqual(["As", " it", " is"]);
    const again = read(stream, { transport, startIndex: 1 });
    expect(dataOf(await collect(again))).toEqual([" it", " is"]);
  });

  it.each([
    ["that is new", [[2, 5]], [], 1, undefined],
    ["that is known", [[2, 5]], [[2, 5]], 9, undefined],
    ["that ends later", [[2, 5]], [[2, 4]], 4, 2],
    ["that begins earlier", [[0, 5]], [[2, 5]], 1, 0],
  ] as [string, Span[], Span[], number, number | undefined][])(
    "knows what is lost by a span %s",
    (_, spans, known, last, lost) => expect(lostFrom(spans, known, last)).toBe(lost),
  );

  it("takes what no longer counts of a stream begun anew for its own", async () => {
    const reader = read(new Stream(), { transport });
    const chunk = (generation: string, index: number) =>
      ({ id: `${generation}-${index}`, index, data: generation }) as Chunk;
    vi.spyOn(reader, "pages").mockImplementation(async function* () {
      const old = range(3).map((index) => chunk("old", index));
      yield { chunks: old, tail: 3, anew: false, superseded: [] };
      const anew = range(2).map((index) => chunk("new", index));
      yield { chunks: anew, tail: 2, anew: true, superseded: [[0, 1]] };
    });
    expect(dataOf(await collect(reader))).toEqual(["old", "old", "old", "new"]);
  });

  it("ends when it is stopped, and the producer does not notice", async () => {
    const stream = new Stream();
    await stream.append(0);
    const reader = read(stream, { transport });
    const reading = collect(reader);
    await until(() => reader.lastIndex === 0);
    reader.stop();
    expect(dataOf(await reading)).toEqual([0]);
    expect(reader.status).toBe("waiting");
    await stream.append(1);
    await until(async () => (await network.reset(stream.run)) === 0);
  });

  it("gives no more once it is stopped, whatever has arrived by then", async () => {
    const reader = read(await numbers(5_000), { transport });
    const pages = reader.pages();
    await pages.next();
    reader.stop();
    expect(await pages.next()).toEqual({ done: true, value: undefined });
  });

  it("leaves no connection open when it is abandoned", async () => {
    const stream = new Stream();
    await stream.append(0, 1, 2);
    for await (const chunk of read(stream, { transport })) if (chunk.index === 1) break;
    await until(async () => (await network.reset(stream.run)) === 0);
  });

  it("gives what is parsed the text that was written, and else what JSON.parse makes of it", async () => {
    const exact = '{"id":1610521604143693812,"x":1.0,"2":0,"1":0}';
    const texts = [exact, '"caf\\u00e9 \\\\"', `[ 1e2,\t${exact} ]`, '{"data":[{"data":0}]}'];
    const stream = new Stream();
    await ask("POST", `/realtime/v1/streams/${stream.run}/self/default`, texts.join("\n"));
    await stream.close();
    const parse = (text: string) => text;
    expect(dataOf(await collect(read(stream, { transport, parse })))).toEqual(texts);
    const parsed = texts.map((text) => JSON.parse(text));
    expect(dataOf(await collect(read(stream, { transport })))).toEqual(parsed);
  });

  it("fails at once when a chunk cannot be parsed, and says why", async () => {
    const parse = (text: string) => {
      if (text === "2") throw new RangeError("no twos");
      return Number(text);
    };
    const reader = read(await numbers(5), { transport, parse });
    const reason = { status: 0, code: "unreadable", message: "no twos" };
    await expect(collect(reader)).rejects.toMatchObject(reason);
    expect(reader.error!.cause).toBeInstanceOf(RangeError);
    expect(reader.status).toBe("failed");
  });

  it("replays 10,000 chunks in a few requests", async () => {
    const stream = await numbers(10_000);
    expect(dataOf(await collect(read(stream, { transport })))).toEqual(range(10_000));
    expect((await stream.reads()).length).toBeLessThan(4);
  });
});

it("survives a server that is killed in the middle", async () => {
  const { url, secret } = restarting;
  const headers = { Authorization: `Bearer ${secret}` };
  const path = (run: string) => `${url}/realtime/v1/streams/${run}/self/key`;
  const streams = BOTH.map(() => new Stream("key"));
  const append = (body: string) =>
    Promise.all(streams.map(({ run }) => fetch(path(run), { method: "POST", body, headers })));
  await append("0\n1\n2\n");
  const readers = streams.map((stream, n) =>
    read(stream, { transport: BOTH[n]!, baseURL: url, accessToken: secret }),
  );
  const reading = readers.map(collect);
  await until(() => readers.every((reader) => reader.lastIndex === 2));
  await restarting.kill();
  await until(() => readers.every((reader) => reader.status === "retrying"));
  await restarting.start();
  await append("3\n4\n");
  await until(() => readers.every((reader) => reader.lastIndex === 4));
  for (const reader of readers) reader.stop();
  for (const found of await Promise.all(reading)) expect(dataOf(found)).toEqual(range(5));
});

it("encodes names that need it", async () => {
  const run = `run ü%/${Math.random()}`.replace("/", "+");
  const key = "a b?#&%25";
  const path = `/realtime/v1/streams/${encodeURIComponent(run)}/self/${encodeURIComponent(key)}`;
  await ask("POST", `${path}/append`, "there");
  await ask("POST", `${path}/close`);
  expect(dataOf(await collect(new StreamReader(run, key, through)))).toEqual(["there"]);
});
