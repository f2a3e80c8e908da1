/** Writers hold leases, and readers tell silence from the end. */

import { describe, expect, it } from "vitest";
import { StreamReader, type ReaderOptions, type Transport } from "../src/streamReader.js";
import { StreamManager, StreamWriter, type WriterOptions } from "../src/writer.js";
import { ask, collect, network, sleep, Stream, through, until } from "./support/lab.js";

const writerOf = (stream: Stream, options: WriterOptions = {}) =>
  new StreamWriter(stream.run, stream.key, { ...through, ...options });

/** Until when somebody has promised to be heard of; undefined where there is no stream. */
async function leasedUntil(stream: Stream): Promise<number | null | undefined> {
  const listed = await (await ask("GET", `/api/v1/runs/${stream.run}/streams`)).json();
  return (listed as { streams: { leased_until: number | null }[] }).streams[0]?.leased_until;
}

/** What the POSTs of a stream have promised. */
async function promises(stream: Stream): Promise<(string | undefined)[]> {
  const posts = await network.seen(stream.run, "POST");
  return posts.map(({ headers }) => headers["x-lease-seconds"]);
}

/** Promise in the name of somebody else. */
const hold = (stream: Stream, seconds: number) =>
  fetch(`${through.baseURL}/realtime/v1/streams/${stream.run}/self/${stream.key}`, {
    method: "POST",
    headers: {
      Authorization: `Bearer ${through.accessToken}`,
      "X-Client-Id": "another",
      "X-Lease-Seconds": `${seconds}`,
    },
  });

describe.concurrent("a writer", () => {
  it("promises with its first chunk, and lets go when it leaves the stream open", async () => {
    const stream = new Stream();
    const writer = writerOf(stream, { lingerInMs: 0 });
    for (const chunk of [1, 2]) {
      void writer.write(chunk);
      await writer.drain();
    }
    expect(await leasedUntil(stream)).toBeGreaterThan(0);
    await writer.release();
    expect(await promises(stream)).toEqual(["60", undefined, "0"]);
    expect(await leasedUntil(stream)).toBeNull();
  });

  it("promises in silence while it pipes, before there is any chunk, and lets go at the end", async () => {
    const stream = new Stream();
    async function* late() {
      await until(async () => (await promises(stream)).length > 3);
      yield "at last";
    }
    await writerOf(stream, { leaseInSeconds: 1 }).pipe(late());
    const said = await promises(stream);
    expect(said.slice(0, 4)).toEqual(["1", "1", "1", "1"]);
    expect(said.at(-1)).toBe("0");
    expect(await leasedUntil(stream)).toBeNull();
  });

  it("promises again soon when that did not get through, and ends nothing over it", async () => {
    const stream = new Stream();
    const writer = writerOf(stream, { leaseInSeconds: 1 });
    void writer.write(1);
    await writer.drain();
    await network.fail({ method: "POST", path: stream.run, status: 503, times: 2 });
    await until(async () => (await promises(stream)).length > 4);
    void writer.write(2);
    await writer.close();
    expect(writer.lastIndex).toBe(1);
  });

  it("hears in silence that the stream was closed", async () => {
    const stream = new Stream();
    const writer = writerOf(stream, { leaseInSeconds: 1 });
    void writer.write(1);
    await writer.drain();
    await stream.close("canceled");
    await until(async () => (await promises(stream)).length > 1);
    await expect(
      until(() => {
        void writer.write(2);
        return writer.drain().then(() => false);
      }),
    ).rejects.toMatchObject({ code: "stream_closed" });
  });

  it("promises nothing on request, nor for a single chunk", async () => {
    const [stream, other] = [new Stream(), new Stream()];
    const writer = writerOf(stream, { leaseInSeconds: 0 });
    await writer.pipe([1]);
    await new StreamManager(through).append(other.key, 1, { target: other.run });
    expect(await promises(stream)).toEqual([undefined]);
    expect(await promises(other)).toEqual([undefined]);
  });
});

/** Lets polls take a second, which count as twenty: time that goes by faster for the reader alone. */
function hurried(): { fetch: typeof fetch; polls: number; restore: () => void } {
  const now = performance.now.bind(performance);
  let ahead = 0;
  performance.now = () => now() + ahead;
  const found = {
    polls: 0,
    restore: () => void (performance.now = now),
    fetch: async (url: RequestInfo | URL, init?: RequestInit) => {
      const waited = /wait=(\d+)/.exec(`${url}`)?.[1];
      if (!Number(waited)) return fetch(url, init);
      const answer = await fetch(`${url}`.replace(/wait=\d+/, "wait=0"), init);
      ahead += Number(waited) * 1000;
      found.polls += 1;
      await sleep(5);
      return answer;
    },
  };
  return found;
}

const read = (stream: Stream, options: ReaderOptions = {}) =>
  new StreamReader(stream.run, stream.key, { ...through, ...options });

describe("a reader by polls", () => {
  const transport: Transport = "poll";

  it("waits silence out as long as a producer holds a lease, and ends when it is let go", async () => {
    const stream = new Stream();
    await stream.append("only");
    await hold(stream, 3600);
    const time = hurried();
    const reader = read(stream, { transport, fetch: time.fetch });
    const reading = collect(reader);
    await until(() => time.polls > 20);
    expect(reader.status).toBe("live");
    await hold(stream, 0);
    expect(await reading).toHaveLength(1);
    expect([reader.status, reader.closed, reader.lastIndex]).toEqual(["silent", undefined, 0]);
    time.restore();
  });

  it("waits for what was never written", async () => {
    const stream = new Stream();
    const time = hurried();
    const reader = read(stream, { transport, fetch: time.fetch });
    const reading = collect(reader);
    await until(() => time.polls > 20);
    await stream.append("at last");
    await stream.close();
    expect(await reading).toHaveLength(1);
    expect(reader.status).toBe("closed");
    time.restore();
  });

  it("ends in time where what it has read is deleted", async () => {
    const stream = new Stream();
    await stream.append("only");
    const time = hurried();
    const reader = read(stream, { transport, fetch: time.fetch });
    const reading = collect(reader);
    await until(() => reader.lastIndex === 0);
    await stream.delete();
    expect(await reading).toHaveLength(1);
    expect(reader.status).toBe("silent");
    time.restore();
  });

  it("ends after the time that is named, whatever a producer has promised", async () => {
    const stream = new Stream();
    await hold(stream, 3600);
    const time = hurried();
    const reader = read(stream, { transport, fetch: time.fetch, timeoutInSeconds: 90 });
    expect(await collect(reader)).toEqual([]);
    expect(reader.status).toBe("silent");
    expect(time.polls).toBeLessThan(8);
    time.restore();
  });
});

/** Answers with an event stream of signs of life, one for each ten seconds, as *say* has it. */
function pinging(say: (count: number) => object | undefined) {
  const time = hurried();
  const real = time.fetch;
  const encoder = new TextEncoder();
  const asked: string[] = [];
  const now = performance.now;
  let ahead = 0;
  performance.now = () => now() + ahead;
  time.fetch = async (url, init) => {
    const headers = new Headers(init?.headers);
    if (headers.get("Accept") !== "text/event-stream") return real(url, init);
    asked.push(headers.get("Timeout-Seconds") ?? "");
    let count = 0;
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        const said = say(count++);
        await sleep(5);
        ahead += 10_000;
        const text = said ? `event: ping\ndata: ${JSON.stringify(said)}\n\n` : "data: [DONE]\n\n";
        controller.enqueue(encoder.encode(text));
      },
    });
    return new Response(body, { headers: { "Content-Type": "text/event-stream" } });
  };
  return { ...time, asked };
}

describe("a reader by events", () => {
  const transport: Transport = "events";

  it("waits silence out as long as a ping tells of a lease, and asks for as long as it may", async () => {
    const stream = new Stream();
    await stream.append("only");
    await hold(stream, 3600);
    let pings = 0;
    const time = pinging((count) => {
      pings += 1;
      if (count < 59) return { tail: { seq_num: 1 }, leased_until: Date.now() + 60_000 };
      return undefined;
    });
    const reader = read(stream, { transport, fetch: time.fetch, startIndex: 1 });
    const reading = collect(reader);
    await until(() => pings > 150);
    expect(reader.status).toBe("live");
    expect(new Set(time.asked)).toEqual(new Set(["600"]));
    reader.stop();
    await reading;
    time.restore();
  });

  it("ends after a minute without one, and says so", async () => {
    const stream = new Stream();
    await stream.append("only");
    const time = pinging(() => ({ tail: { seq_num: 1 }, leased_until: null }));
    const reader = read(stream, { transport, fetch: time.fetch, startIndex: 1 });
    expect(await collect(reader)).toEqual([]);
    expect(reader.status).toBe("silent");
    expect(time.asked).toHaveLength(1);
    time.restore();
  });
});
