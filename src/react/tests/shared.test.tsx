/** Hooks that share one connection, against a server. */

import { show } from "./support/dom.js";
import type { ServerResponse } from "node:http";
import { describe, expect, it, vi } from "vitest";
import {
  useRealtimeStream,
  type RealtimeStream,
  type RealtimeStreamOptions,
} from "../src/index.js";
import {
  ask,
  network,
  newRun,
  passBack,
  passOn,
  range,
  secret,
  serving,
  Stream,
  through,
  until,
} from "./support/lab.js";

type Options = RealtimeStreamOptions<any>;

/** A component that keeps a record of all it was shown. */
function recorder() {
  const seen: RealtimeStream<any>[] = [];
  function Shown({ stream, ...options }: { stream: Stream } & Options) {
    seen.push(useRealtimeStream<any>(stream.run, stream.key, { ...through, ...options }));
    return null;
  }
  return { Shown, now: () => seen.at(-1)! };
}

/** Two streams of one run. */
function two(): [Stream, Stream] {
  const run = newRun();
  return [Object.assign(new Stream("a"), { run }), Object.assign(new Stream("b"), { run })];
}

const follows = (run: string) => network.seen(`${run}/follow`, "POST");

describe.concurrent("hooks of one run", () => {
  it("share one connection, and each has its own stream", async () => {
    const [one, other] = [recorder(), recorder()];
    const [a, b] = two();
    await a.append(...range(3));
    const page = show([<one.Shown key="1" stream={a} />, <other.Shown key="2" stream={b} />]);
    await until(() => one.now().parts.length === 3 && other.now().status === "live");
    await b.append("x");
    await a.append(3);
    await a.close("failed", "boom");
    await until(() => one.now().status === "closed" && other.now().parts.length === 1);
    expect(one.now()).toMatchObject({
      parts: range(4),
      closed: { status: "failed", error: "boom" },
    });
    expect(other.now()).toMatchObject({ parts: ["x"], status: "live" });
    expect(await follows(a.run)).toHaveLength(1);
    expect(await a.reads()).toHaveLength(0);
    page.remove();
    await until(async () => (await network.reset(a.run)) === 0);
  });

  it("go on with one that comes later, and wants another beginning", async () => {
    const [one, late, tail] = [recorder(), recorder(), recorder()];
    const [a, b] = two();
    await a.append(...range(5));
    const onData = vi.fn();
    const first = <one.Shown key="1" stream={a} startIndex={3} onData={onData} />;
    const page = show(first);
    await until(() => one.now().parts.length === 2);
    page.again([first, <late.Shown key="2" stream={a} />]);
    await until(() => late.now().parts.length === 5);
    page.again([first, <tail.Shown key="3" stream={a} startIndex={-1} />]);
    await until(() => tail.now().parts.length === 1);
    await a.append(5);
    await until(() => one.now().parts.length === 3 && tail.now().parts.length === 2);
    expect(onData.mock.calls.map(([data]) => data)).toEqual([3, 4, 5]);
    expect(tail.now().parts).toEqual([4, 5]);
    page.remove();
    expect(b.run).toBe(a.run);
  });

  it("lose and double nothing when the connection breaks", async () => {
    const [one, other] = [recorder(), recorder()];
    const [a, b] = two();
    const page = show([<one.Shown key="1" stream={a} />, <other.Shown key="2" stream={b} />]);
    for (const n of range(6)) {
      await Promise.all([a.append(n), b.append(n)]);
      if (n % 2) await until(() => one.now().parts.length === n + 1);
      await network.fail({
        method: "POST",
        path: `${a.run}/follow`,
        times: 1,
        response_bytes: 300,
      });
      await until(async () => (await network.reset(a.run)) >= 0);
    }
    await until(() => one.now().parts.length === 6 && other.now().parts.length === 6);
    expect([one.now().parts, other.now().parts]).toEqual([range(6), range(6)]);
    page.remove();
  });

  it("forget what was there when a stream is begun anew, and only of that one", async () => {
    const [one, other] = [recorder(), recorder()];
    const [a, b] = two();
    await a.append("old", "older");
    await b.append("stays");
    const page = show([<one.Shown key="1" stream={a} />, <other.Shown key="2" stream={b} />]);
    await until(() => one.now().parts.length === 2 && other.now().parts.length === 1);
    await a.delete();
    await a.append("new");
    await until(() => one.now().parts[0] === "new");
    expect([one.now().parts, other.now().parts]).toEqual([["new"], ["stays"]]);
    page.remove();
  });

  it("read alone what the server does not send together, or not to them", async () => {
    for (const status of [403, 401]) {
      const [one, other] = [recorder(), recorder()];
      const [a, b] = two();
      await a.append(1);
      await b.append(2);
      await network.fail({ method: "POST", path: `${a.run}/follow`, status, times: null });
      const page = show([<one.Shown key="1" stream={a} />, <other.Shown key="2" stream={b} />]);
      await until(() => one.now().parts.length === 1 && other.now().parts.length === 1);
      expect((await a.reads()).length).toBeGreaterThan(1);
      page.remove();
    }
  });

  it.each([
    ["after a chunk", [2]],
    ["before the first chunk", []],
  ])(
    "go on where they were, from the tail on, with a token that is renewed %s",
    async (_, early) => {
      const { Shown, now } = recorder();
      const [a] = two();
      await a.append(0, 1);
      await network.fail({ method: "POST", path: `${a.run}/follow`, status: 403, times: null });
      const shown = (token: string) => <Shown stream={a} from="tail" accessToken={token} />;
      const page = show(shown(secret));
      await until(() => now().status === "live");
      if (early.length) await a.append(...early);
      await until(() => now().parts.length === early.length);
      page.again(shown("one that is no good"));
      await network.fail({ path: a.run, status: 401, times: 1 });
      await network.reset(a.run);
      await until(() => now().status === "failed");
      await a.append(3, 4);
      page.again(shown(secret));
      await until(() => now().parts.length === early.length + 2);
      expect(now().parts).toEqual([...early, 3, 4]);
      page.remove();
    },
  );

  it("begin at the tail, as they are told, also when it could not be had at first", async () => {
    const { Shown, now } = recorder();
    const [a] = two();
    await a.append(0, 1);
    await network.fail({ path: a.run, status: 503, times: 1 });
    const page = show(<Shown stream={a} from="tail" />);
    await until(() => now().status === "live");
    await a.append(2);
    await until(() => now().parts.includes(2));
    expect(now().parts).toEqual([2]);
    page.remove();
  });

  it("stay together also where one comes while the server is away", async () => {
    const [one, other] = [recorder(), recorder()];
    const [a, b] = two();
    await a.append(1);
    await b.append(2);
    const first = <one.Shown key="1" stream={a} />;
    const page = show([first]);
    await until(() => one.now().parts.length === 1);
    await network.fail({ method: "POST", path: `${a.run}/follow`, status: 503, times: 3 });
    await network.reset(a.run, "POST");
    await until(() => one.now().status === "retrying");
    page.again([first, <other.Shown key="2" stream={b} />]);
    await until(() => other.now().parts.length === 1);
    expect(await b.reads()).toHaveLength(0);
    page.remove();
  });

  it("read alone where what is between them and the server refuses what it does not know", async () => {
    const [one, other] = [recorder(), recorder()];
    const [a, b] = two();
    await a.append(1);
    await b.append(2);
    for (const refuse of [
      (response: ServerResponse) => void response.writeHead(404).end(),
      (response: ServerResponse) => void response.destroy(),
    ]) {
      await serving(
        async (request, response) => {
          if (request.method === "POST") refuse(response);
          else await passBack(await passOn(request), response);
        },
        async (baseURL) => {
          const page = show([
            <one.Shown key="1" stream={a} baseURL={baseURL} />,
            <other.Shown key="2" stream={b} baseURL={baseURL} />,
          ]);
          await until(() => one.now().parts.length === 1 && other.now().parts.length === 1);
          page.remove();
        },
      );
    }
  });

  it("ask for pages, each for its own, behind a cache that gives them to many", async () => {
    const [one, other] = [recorder(), recorder()];
    const [a, b] = two();
    await a.append(1);
    await b.append(2);
    const asked: string[] = [];
    await serving(
      async (request, response) => {
        asked.push(request.url!);
        request.headers["x-stream-shared"] = "true";
        await passBack(await passOn(request), response);
      },
      async (baseURL) => {
        const page = show([
          <one.Shown key="1" stream={a} baseURL={baseURL} />,
          <other.Shown key="2" stream={b} baseURL={baseURL} />,
        ]);
        const waits = (key: string) =>
          asked.some((url) => url.startsWith(`/realtime/v1/pages/${a.run}/${key}?generation=`));
        await until(() => waits("a") && waits("b"));
        await a.append(3);
        await until(() => one.now().parts.length === 2 && other.now().parts.length === 1);
        page.remove();
      },
    );
  });

  it("keep numbers as they were written where they are parsed otherwise", async () => {
    const [one, other] = [recorder(), recorder()];
    const [a] = two();
    await ask("POST", `/realtime/v1/streams/${a.run}/self/a`, "1610521604143693812");
    const parse = (text: string) => BigInt(text);
    const page = show([
      <one.Shown key="1" stream={a} parse={parse} />,
      <other.Shown key="2" stream={a} />,
    ]);
    await until(() => one.now().parts.length && other.now().parts.length);
    expect(one.now().parts).toEqual([1610521604143693812n]);
    expect(await follows(a.run)).toHaveLength(1);
    page.remove();
  });

  it("end by their own silence", async () => {
    const [one, other] = [recorder(), recorder()];
    const [a, b] = two();
    await a.append(1);
    const page = show([
      <one.Shown key="1" stream={a} timeoutInSeconds={1} />,
      <other.Shown key="2" stream={b} />,
    ]);
    await until(() => one.now().status === "silent");
    await b.append(2);
    await until(() => other.now().parts.length === 1);
    expect(one.now().parts).toEqual([1]);
    page.remove();
  });
});
