/** Servers that offer no event streams, and what lies before them: it holds them back, or cuts them. */

import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { describe, expect, it, vi } from "vitest";
import { StreamReader, type ReaderOptions, type Transport } from "../src/streamReader.js";
import {
  ask,
  baseURL,
  collect,
  passBack,
  passOn,
  range,
  secret,
  serving,
  Stream,
  until,
} from "./support/lab.js";

const wantsEvents = (request: IncomingMessage) =>
  request.headers.accept?.includes("text/event-stream");

/** Refuse event streams as a server behind API Gateway does, and say where they are. */
function refusing(url: string | null, refused: string[] = []) {
  return async (request: IncomingMessage, response: ServerResponse) => {
    if (!wantsEvents(request)) return passBack(await passOn(request), response);
    refused.push(request.url!);
    const error = { code: "no_event_stream", message: "Not here", url };
    response.writeHead(422, { "content-type": "application/json" });
    response.end(JSON.stringify({ error }));
  };
}

/** Hold event streams back until they end; the head goes through at once, or waits as well. */
function holding(head: boolean) {
  return async (request: IncomingMessage, response: ServerResponse) => {
    if (!wantsEvents(request)) return passBack(await passOn(request), response);
    if (head) response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders();
    const answer = await passOn(request);
    response.end(await answer.text());
  };
}

/** Pass on as a cache does that gives pages to many. */
function sharing(asked: string[]) {
  return async (request: IncomingMessage, response: ServerResponse) => {
    asked.push(request.url!);
    request.headers["x-stream-shared"] = "true";
    return passBack(await passOn(request), response);
  };
}

const firstPage = async ({ run }: Stream) =>
  (await ask("GET", `/realtime/v1/streams/${run}/default?wait=0`)).text();

type Answering = (response: ServerResponse) => unknown;

/** Answer for event streams with `cut`, after their head; the rest gets through. */
function cutting(cut: Answering) {
  return async (request: IncomingMessage, response: ServerResponse) => {
    if (!wantsEvents(request)) return passBack(await passOn(request), response);
    response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders();
    cut(response);
  };
}

/** Let everything through, and cut what is still open after so many milliseconds. */
function limiting(ms: number, asked: (request: IncomingMessage) => void) {
  return async (request: IncomingMessage, response: ServerResponse) => {
    asked(request);
    setTimeout(() => response.destroy(), ms);
    const answer = await passOn(request);
    response.writeHead(answer.status, { "content-type": answer.headers.get("content-type")! });
    response.flushHeaders();
    Readable.fromWeb(answer.body as never)
      .on("error", () => response.destroy())
      .pipe(response);
  };
}

const PING = 'event: ping\ndata: {"timestamp":17,"tail":{"seq_num":0,"timestamp":0}}\n\n';

/** The first event of `stream`, as a cache would keep it. */
async function firstBatch({ run, key }: Stream, after = ""): Promise<string> {
  const headers = {
    Accept: "text/event-stream",
    Authorization: `Bearer ${secret}`,
    "Last-Event-ID": after,
  };
  const answer = await fetch(`${baseURL}/realtime/v1/streams/${run}/${key}`, { headers });
  const reader = answer.body!.getReader();
  const { value } = await reader.read();
  await reader.cancel();
  return new TextDecoder().decode(value);
}

function read(stream: Stream, url: string, options: ReaderOptions = {}) {
  const server = { baseURL: url, accessToken: secret };
  return new StreamReader<number>(stream.run, stream.key, { ...server, ...options });
}

const dataOf = (chunks: { data: number }[]) => chunks.map(({ data }) => data);

describe.concurrent("a reader", () => {
  it("reads by event stream where there is one", async () => {
    const stream = new Stream();
    await stream.append(0);
    await stream.close();
    const reader = read(stream, baseURL);
    expect(await collect(reader)).toHaveLength(1);
    expect(reader.transport).toBe("events");
  });

  it("takes an error event for a break, though the connection stays", async () => {
    let asked = 0;
    const breakingOff = async (request: IncomingMessage, response: ServerResponse) => {
      if (!wantsEvents(request) || asked++) return passBack(await passOn(request), response);
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write("event: error\ndata: go on behind the last event\n\n");
    };
    await serving(breakingOff, async (url) => {
      const stream = new Stream();
      await stream.append(0);
      await stream.close();
      expect(await collect(read(stream, url))).toHaveLength(1);
    });
    expect(asked).toBe(2);
  });

  it("polls where there is none, and does not ask again", async () => {
    const refused: string[] = [];
    await serving(refusing(null, refused), async (url) => {
      for (const count of [1, 2, 3]) {
        const stream = new Stream();
        const reader = read(stream, url);
        const reading = collect(reader);
        await stream.append(...range(count));
        await until(() => reader.lastIndex === count - 1);
        await stream.close();
        expect((await reading).map(({ data }) => data)).toEqual(range(count));
        expect(reader.transport).toBe("poll");
      }
    });
    expect(refused).toHaveLength(1);
  });

  it("polls where there are no bodies to read piece by piece, as in jsdom", () => {
    vi.stubGlobal("Response", undefined);
    const reader = read(new Stream(), "http://nowhere");
    vi.unstubAllGlobals();
    expect(reader.transport).toBe("poll");
  });

  it("asks for pages, as all others do, where a cache gives them to many", async () => {
    const asked: string[] = [];
    await serving(sharing(asked), async (url) => {
      const stream = new Stream();
      await stream.append(0, 1);
      const reader = read(stream, url);
      const reading = collect(reader);
      await until(() => reader.lastIndex === 1);
      await stream.append(2);
      await until(() => reader.lastIndex === 2);
      await stream.close();
      const chunks = await reading;
      expect(dataOf(chunks)).toEqual(range(3));
      const generation = chunks[0]!.id.split("-")[0];
      const page = `/realtime/v1/pages/${stream.run}/default?generation=${generation}`;
      const pages = asked.slice(2).map((one) => one.replace(/&cursor=[0-9]+$/, ""));
      expect(pages).toEqual([`${page}&start=2`, `${page}&start=3`]);
      expect(asked.slice(0, 2).every((one) => one.startsWith("/realtime/v1/streams/"))).toBe(true);
    });
  });

  it("goes on behind a cache with the stream that takes its stream's place", async () => {
    const asked: string[] = [];
    await serving(sharing(asked), async (url) => {
      const stream = new Stream();
      await stream.append("a", "b");
      const reader = read(stream, url);
      const reading = collect(reader);
      await until(() => reader.lastIndex === 1);
      await until(() => asked.some((one) => one.startsWith("/realtime/v1/pages/")));
      await stream.delete();
      await stream.append("c");
      await until(() => reader.lastIndex === 0);
      await stream.close();
      expect(dataOf(await reading)).toEqual(["a", "b", "c"]);
    });
  });

  it("goes to where event streams are", async () => {
    await serving(refusing(baseURL), async (url) => {
      const stream = new Stream();
      await stream.append(0, 1);
      await stream.close();
      const reader = read(stream, url);
      expect(await collect(reader)).toHaveLength(2);
      expect(reader.transport).toBe("events");
    });
  });

  it.each([
    ["from the head on", false],
    ["but for the head", true],
  ])("polls when a proxy holds events back %s", async (_, head) => {
    await serving(holding(head), async (url) => {
      const stream = new Stream();
      await stream.append(0, 1);
      const reader = read(stream, url);
      const reading = collect(reader);
      await until(() => reader.lastIndex === 1);
      expect(reader.transport).toBe("poll");
      await stream.append(2);
      await until(() => reader.lastIndex === 2);
      await stream.close();
      expect((await reading).map(({ data }) => data)).toEqual(range(3));
      // What was learnt spares the next reader the wait.
      expect(read(stream, url).transport).toBe("poll");
    });
  });

  it("stays with an event stream that is only quiet", async () => {
    const stream = new Stream();
    const reader = read(stream, baseURL);
    const reading = collect(reader);
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    await stream.append(0);
    await stream.close();
    expect(await reading).toHaveLength(1);
    expect(reader.transport).toBe("events");
  });

  it.each<[string, Answering]>([
    ["end after their head", (response) => response.end()],
    ["are reset", (response) => setTimeout(() => response.destroy(), 20)],
    ["end after a ping", (response) => response.end(PING)],
    ["say that all is done", (response) => response.end("data: [DONE]\n\n")],
  ])("polls when event streams %s, again and again", async (_, cut) => {
    await serving(cutting(cut), async (url) => {
      const stream = new Stream();
      await stream.append(0, 1);
      const reader = read(stream, url);
      const reading = collect(reader);
      await until(() => reader.lastIndex === 1 && reader.transport === "poll");
      await stream.append(2);
      await until(() => reader.lastIndex === 2);
      await stream.close();
      expect(dataOf(await reading)).toEqual(range(3));
      // It may work for the next one.
      expect(read(stream, url).transport).toBe("events");
    });
  });

  it("polls when a cache answers for the event stream with what was there once", async () => {
    const stream = new Stream();
    await stream.append(0, 1);
    const cached = (await firstBatch(stream)) + PING;
    await stream.append(2, 3);
    await serving(
      cutting((response) => response.end(cached)),
      async (url) => {
        const reader = read(stream, url);
        const reading = collect(reader);
        await until(() => reader.lastIndex === 3);
        await stream.append(4);
        await stream.close();
        expect(dataOf(await reading)).toEqual(range(5));
        expect(reader.transport).toBe("poll");
      },
    );
  });

  it("misses nothing when a cache answers with what somebody else has asked for", async () => {
    const stream = new Stream();
    await stream.append(...range(9));
    const cached = await firstBatch(stream, "5");
    await serving(
      cutting((response) => response.write(cached)),
      async (url) => {
        const reader = read(stream, url, { startIndex: 2, transport: "events" });
        const pages = reader.pages();
        const found: number[] = [];
        while (reader.lastIndex < 8) found.push(...dataOf((await pages.next()).value!.chunks));
        expect(found).toEqual(range(7, 2));
        await pages.return();
      },
    );
  });

  it.each([1, 5])(
    "reads once what a cache keeps of the beginning of a stream that is gone",
    async (count) => {
      const stream = new Stream();
      await stream.append(0, 1, 2);
      const kept = await firstPage(stream);
      await stream.delete();
      await stream.append(...range(count, 10));
      const handle = async (request: IncomingMessage, response: ServerResponse) => {
        const isFirst = !/start=[1-9]/.test(request.url!);
        return isFirst ? response.end(kept) : passBack(await passOn(request), response);
      };
      await serving(handle, async (url) => {
        const reader = read(stream, url, { transport: "poll", retries: 4 });
        const found: unknown[] = [];
        const reading = (async () => {
          for await (const { data } of reader) found.push(data);
        })();
        await expect(reading).rejects.toMatchObject({ code: "out_of_place" });
        expect(found).toEqual([0, 1, 2]);
      });
    },
  );

  it.each<[string, Answering]>([
    ["end after a ping", (response) => response.end(PING)],
    ["say that all is done", (response) => response.end("data: [DONE]\n\n")],
  ])("gives up in the end when there is nothing but event streams that %s", async (_, cut) => {
    await serving(cutting(cut), async (url) => {
      const reader = read(new Stream(), url, { transport: "events", retries: 2 });
      await expect(collect(reader)).rejects.toMatchObject({ code: "broken" });
      expect(reader.status).toBe("failed");
    });
  });

  it("gives up in the end when whoever waits for a chunk is cut off", async () => {
    const asked: string[] = [];
    const handle = async (request: IncomingMessage, response: ServerResponse) => {
      asked.push(request.url!);
      if (!request.url!.includes("wait=0")) return response.destroy();
      return passBack(await passOn(request), response);
    };
    await serving(handle, async (url) => {
      const reader = read(new Stream(), url, { transport: "poll", retries: 2 });
      await expect(collect(reader)).rejects.toMatchObject({ code: "unreachable" });
    });
    expect(asked).toHaveLength(6);
  });

  it.each<Transport>(["events", "poll"])(
    "counts silence by %s over all connections, however often they are cut",
    async (transport) => {
      const asked: string[] = [];
      const note = ({ headers, url }: IncomingMessage) =>
        asked.push((headers["timeout-seconds"] as string) ?? /wait=(\d+)/.exec(url!)![1]);
      await serving(limiting(2_500, note), async (url) => {
        const reader = read(new Stream(), url, { transport, timeoutInSeconds: 3 });
        expect(await collect(reader)).toEqual([]);
        expect(reader.status).toBe("silent");
      });
      const [first, ...more] = asked.map(Number).filter(Boolean);
      expect(first).toBe(3);
      expect(Math.max(0, ...more)).toBeLessThan(3);
    },
  );
});
