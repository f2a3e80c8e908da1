/** How long the hook of a run waits in silence. Its clock is quick, and so are the server's signs. */

import type { IncomingMessage, ServerResponse } from "node:http";
import { expect, it } from "vitest";
import { show } from "./support/dom.js";
import { useRealtimeRun, type RealtimeRun } from "../src/index.js";
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
