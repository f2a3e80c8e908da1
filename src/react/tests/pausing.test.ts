/** What a page lives through: it is hidden, it loses the network, its machine sleeps. */

import { getEventListeners } from "node:events";
import { afterEach, describe, expect, it, vi } from "vitest";
import { pause, Stalled, within } from "../src/pausing.js";
import { StreamReader, type Transport } from "../src/streamReader.js";
import { collect, network, sleep, Stream, through, until } from "./support/lab.js";
import { standIn } from "./support/page.js";

const page = standIn();

afterEach(() => {
  vi.useRealTimers();
  page.show("visible");
  page.setOnline(true);
});

/** Let so many seconds go by for the clock that silence is measured with, and for no other. */
async function tick(seconds: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(seconds * 1000);
}

describe.each<Transport>(["events", "poll"])("a reader by %s", (transport) => {
  const read = (stream: Stream, options = {}) =>
    new StreamReader<string>(stream.run, stream.key, { ...through, transport, ...options });

  it("pauses while the page is hidden, and catches up when it is shown", async () => {
    const stream = new Stream();
    await stream.append("before");
    const reader = read(stream);
    const reading = collect(reader);
    await until(() => reader.lastIndex === 0);
    page.show("hidden");
    await until(() => reader.status === "waiting");
    await until(async () => (await network.reset(stream.run)) === 0);
    await stream.append("meanwhile", "also");
    const reads = (await stream.reads()).length;
    await sleep(100);
    expect(reader.lastIndex).toBe(0);
    expect(await stream.reads()).toHaveLength(reads);
    page.show("visible");
    await until(() => reader.lastIndex === 2);
    await stream.close();
    expect((await reading).map(({ data }) => data)).toEqual(["before", "meanwhile", "also"]);
  });

  it("asks for nothing when the page is hidden from the start, and may be stopped then", async () => {
    page.show("hidden");
    const stream = new Stream();
    const reader = read(stream);
    const reading = collect(reader);
    await sleep(50);
    reader.stop();
    expect(await reading).toEqual([]);
    expect(await stream.reads()).toHaveLength(0);
  });

  it("reads in a hidden page when told to", async () => {
    page.show("hidden");
    const stream = new Stream();
    await stream.append("there");
    await stream.close();
    expect(await collect(read(stream, { readWhenHidden: true }))).toHaveLength(1);
  });

  it("does not give up while there is no network, and goes on as soon as it is back", async () => {
    const stream = new Stream();
    await stream.append("there");
    await stream.close();
    await network.fail({ path: stream.run, status: 503, times: 2 });
    page.setOnline(false);
    const reader = read(stream, { retries: 0 });
    const reading = collect(reader);
    await until(async () => (await stream.reads()).length >= 2);
    page.setOnline(true);
    expect(await reading).toHaveLength(1);
  });

  it("leaves a connection on which nothing comes any more", async () => {
    const stream = new Stream();
    await network.fail({ path: stream.run, response_bytes: 0, then: "stall" });
    await stream.append("there");
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    const reader = read(stream);
    const reading = collect(reader);
    await until(async () => (await stream.reads()).some(({ status }) => status === 200));
    await until(async () => {
      await tick(16);
      return reader.status === "retrying";
    });
    await until(() => reader.lastIndex === 0);
    await stream.close();
    expect(await reading).toHaveLength(1);
  });
});

it("leaves nothing behind on the page, not when it is stopped before it begins either", async () => {
  const listeners = () =>
    [[document, "visibilitychange"] as const, [window, "online"] as const].map(
      ([target, type]) => getEventListeners(target, type).length,
    );
  const before = listeners();
  const stream = new Stream();
  await stream.append("there");
  for (const isEarly of [false, true]) {
    const reader = new StreamReader(stream.run, stream.key, through);
    if (isEarly) reader.stop();
    const reading = collect(reader);
    await until(() => isEarly || reader.lastIndex === 0);
    reader.stop();
    await reading;
    expect(listeners()).toEqual(before);
  }
});

it("polls when an event stream stalls before it has proven itself", async () => {
  const stream = new Stream();
  await network.fail({ path: stream.run, response_bytes: 0, then: "stall" });
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  const reader = new StreamReader(stream.run, stream.key, through);
  const reading = collect(reader);
  await until(() => reader.status === "live");
  await until(async () => {
    await tick(1);
    return reader.transport === "poll";
  });
  await stream.append("there");
  await stream.close();
  expect(await reading).toHaveLength(1);
});

const SEVEN = { index: 7, data: "seven", id: "g-7", timestamp: 1 };

/** The event stream that begins with chunk seven, as the others before have expired. */
function fromSeven(): Response {
  const records = [{ seq_num: 7, timestamp: 1, body: '{"data":"seven","id":"g-7"}' }];
  const batch = JSON.stringify({ records, tail: { seq_num: 8 } });
  const headers = { "Content-Type": "text/event-stream" };
  return new Response(`event: batch\ndata: ${batch}\n\ndata: [DONE]\n\n`, { headers });
}

it.each<Transport>(["events", "poll"])(
  "goes on by %s with the oldest chunk that is left when those before have expired",
  async (transport) => {
    const asked: string[] = [];
    const fetch = (async (url: string, init: RequestInit) => {
      if ((init.headers as { Accept: string }).Accept === "text/event-stream") return fromSeven();
      const start = new URL(url).searchParams.get("start")!;
      asked.push(start);
      if (start < "7") {
        const error = { code: "index_expired", first_index: 7 };
        return Response.json({ error }, { status: 410 });
      }
      const closed = { status: "completed", error: null };
      return Response.json({ chunks: start > "7" ? [] : [SEVEN], tail: 8, closed });
    }) as typeof globalThis.fetch;
    const options = { baseURL: "http://nowhere", startIndex: 2, transport, fetch };
    const found = await collect(new StreamReader("run_1", "default", options));
    expect(found.map(({ index }) => index)).toEqual([7]);
    expect(asked).toEqual(transport === "poll" ? ["2", "7"] : ["2", "7", "8"]);
  },
);

it("does not ask for ever where each chunk it asks for has expired", async () => {
  const error = { code: "index_expired", first_index: 2 };
  const fetch = vi.fn(async () => Response.json({ error }, { status: 410 }));
  const options = { startIndex: 2, transport: "poll", fetch: fetch as never } as const;
  const reader = new StreamReader("run_1", "default", options);
  await expect(collect(reader)).rejects.toMatchObject({ status: 410 });
  expect(fetch).toHaveBeenCalledTimes(3);
});

describe("a watch", () => {
  it("ends what takes too many ticks, and keeps no clock running", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    const waiting = within(3, new Promise(() => {})).catch((error: unknown) => error);
    await tick(3);
    expect(await waiting).toBeInstanceOf(Stalled);
    expect(await within(3, Promise.resolve("at once"))).toBe("at once");
    expect(vi.getTimerCount()).toBe(0);
  });

  it("does not count the time that a machine sleeps", async () => {
    vi.useFakeTimers();
    let isOver = false;
    const waiting = within(3, new Promise(() => {})).catch(() => (isOver = true));
    await tick(2);
    vi.setSystemTime(Date.now() + 3_600_000);
    await Promise.resolve();
    expect(isOver).toBe(false);
    await tick(1);
    await waiting;
  });
});

describe("a pause", () => {
  it("ends early when its signal aborts, and at once when that has aborted", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const controller = new AbortController();
    const pausing = pause(1_000_000, controller.signal);
    controller.abort();
    await pausing;
    await pause(1_000_000, controller.signal);
    expect(vi.getTimerCount()).toBe(0);
  });
});
