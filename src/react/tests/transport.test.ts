/** Servers that offer no event streams, and proxies that hold them back. */

import type { IncomingMessage, ServerResponse } from "node:http";
import { describe, expect, it } from "vitest";
import { StreamReader } from "../src/streamReader.js";
import {
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

function read(stream: Stream, url: string) {
  return new StreamReader<number>(stream.run, stream.key, { baseURL: url, accessToken: secret });
}

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
});
