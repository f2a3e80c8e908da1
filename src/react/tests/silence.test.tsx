/** How long hooks wait in silence. Their clock is quick, and so are the server's signs. */

import type { IncomingMessage, ServerResponse } from "node:http";
import { describe, expect, it } from "vitest";
import { show } from "./support/dom.js";
import { useRealtimeRun, useRealtimeStream, type RealtimeRun } from "../src/index.js";
import { newRun, serving, sleep, until } from "./support/lab.js";

const QUICKER = 50;
const real = globalThis.setInterval;
globalThis.setInterval = ((work: () => void, ms: number) =>
  real(work, ms / QUICKER)) as typeof setInterval;

const CHUNK = { index: 0, data: "only", id: "g-0", timestamp: 1 };
const WRITTEN = { key: "a", chunks: [CHUNK], next_index: 1, tail: 1, closed: null };

/** Sends what was written, once, then a sign of life of the run, again and again, as *lease* has it. */
function signs(lease: () => number | null, ...written: object[]) {
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const sign = () => JSON.stringify({ streams: [], over: false, leased_until: lease() });
    if (request.headers.accept !== "text/event-stream") return void response.end(sign());
    response.writeHead(200, { "content-type": "text/event-stream" });
    const send = (text: string) => response.write(`event: ping\ndata: ${text}\n\n`);
    written.splice(0).forEach((item) => send(JSON.stringify(item)));
    while (!response.destroyed) {
      send(sign());
      await sleep(20);
    }
  };
}

/** Follow a run at *baseURL* in a page, for as long as *work* takes. */
async function following(
  baseURL: string,
  work: (now: () => RealtimeRun<unknown>) => Promise<void>,
) {
  let seen: RealtimeRun<unknown> | undefined;
  const run = newRun();
  function Shown() {
    seen = useRealtimeRun(run, { baseURL, accessToken: "any" });
    return null;
  }
  const page = show(<Shown />);
  await work(() => seen!);
  page.remove();
}

it("waits silence out as long as a lease is told of, and ends a minute after", async () => {
  let lease: number | null = Date.now() + 60_000;
  const answer = signs(() => lease, WRITTEN);
  await serving(answer, (baseURL) =>
    following(baseURL, async (now) => {
      await until(() => now().streams.a);
      await sleep(120_000 / QUICKER);
      expect(now().status).not.toBe("silent");
      lease = null;
      await until(() => now().status === "silent");
      expect(now().streams.a!.parts).toEqual(["only"]);
    }),
  );
});

it("waits for what was never written", async () => {
  await serving(
    signs(() => null),
    (baseURL) =>
      following(baseURL, async (now) => {
        await until(() => now().status === "live");
        await sleep(120_000 / QUICKER);
        expect(now().status).not.toBe("silent");
      }),
  );
});

/** Answers polls only: what was written, once, then nothing, and what *lease* says of all that is asked for. */
function polls(lease: () => number | null, ...written: object[]) {
  return (request: IncomingMessage, response: ServerResponse): void => {
    if (request.headers.accept === "text/event-stream") return void response.writeHead(406).end();
    const said = { streams: written.splice(0), over: false, leased_until: lease() };
    response.end(JSON.stringify(said));
  };
}

describe("the hook of a stream, where only polls get through", () => {
  /** Follow a stream of which *lease* is told; return the latest status, and what ends that. */
  function following(baseURL: string) {
    let status = "";
    const run = newRun();
    function Shown() {
      ({ status } = useRealtimeStream(run, "a", { baseURL, accessToken: "any" }));
      return null;
    }
    const page = show(<Shown />);
    return { status: () => status, remove: page.remove };
  }

  it("waits silence out as long as a lease is told of that came after the chunks", async () => {
    let lease: number | null = Date.now() + 60_000;
    const answer = polls(() => lease, { ...WRITTEN, leased_until: null });
    await serving(answer, async (baseURL) => {
      const { status, remove } = following(baseURL);
      await until(() => status() === "live");
      await sleep(120_000 / QUICKER);
      expect(status()).not.toBe("silent");
      lease = null;
      await until(() => status() === "silent");
      remove();
    });
  });

  it("ends a minute after the lease that was there with the chunks", async () => {
    let lease: number | null = Date.now() + 60_000;
    const answer = polls(() => lease, { ...WRITTEN, leased_until: lease });
    await serving(answer, async (baseURL) => {
      const { status, remove } = following(baseURL);
      await until(() => status() === "live");
      lease = null;
      await until(() => status() === "silent");
      remove();
    });
  });

  it("waits for what was never written", async () => {
    await serving(
      polls(() => null),
      async (baseURL) => {
        const { status, remove } = following(baseURL);
        await until(() => status() === "live");
        await sleep(120_000 / QUICKER);
        expect(status()).not.toBe("silent");
        remove();
      },
    );
  });
});
