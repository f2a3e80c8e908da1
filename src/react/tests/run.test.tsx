/** The hook that follows all streams of a run, against a server. */

import type { ServerResponse } from "node:http";
import { StrictMode } from "react";
import { show } from "./support/dom.js";
import { describe, expect, it, vi } from "vitest";
import {
  useRealtimeRun,
  useRealtimeStream,
  type RealtimeRun,
  type RealtimeRunOptions,
} from "../src/index.js";
import {
  ask,
  network,
  newRun,
  range,
  secret,
  serving,
  Stream,
  through,
  until,
} from "./support/lab.js";

function recorder() {
  const seen: RealtimeRun<any>[] = [];
  function Shown({ run, ...options }: { run: string | undefined } & RealtimeRunOptions<any>) {
    seen.push(useRealtimeRun<any>(run, { ...through, ...options }));
    return null;
  }
  return { Shown, seen, now: () => seen.at(-1)! };
}

const streamOf = (run: string, key: string) => Object.assign(new Stream(key), { run });
const complete = (run: string) => ask("POST", `/api/v1/runs/${run}/complete`);

describe.concurrent("the hook of a run", () => {
  it("shows its streams by key, those too that come later, until it is completed", async () => {
    const { Shown, now } = recorder();
    const run = newRun();
    const [a, b] = [streamOf(run, "a"), streamOf(run, "b")];
    await a.append(...range(3));
    const onData = vi.fn();
    const page = show(<Shown run={run} onData={onData} />);
    await until(() => now().streams.a?.parts.length === 3);
    await b.append("x");
    await until(() => now().streams.b?.parts.length === 1);
    await a.close("failed", "boom");
    await until(() => now().streams.a!.closed);
    expect(now().status).toBe("live");
    await complete(run);
    await until(() => now().status === "closed");
    expect(now().streams).toMatchObject({
      a: { parts: range(3), lastIndex: 2, closed: { status: "failed", error: "boom" } },
      b: { parts: ["x"], lastIndex: 0, closed: { status: "completed" } },
    });
    expect(onData.mock.calls.map(([key, { data }]) => [key, data])).toEqual([
      ...range(3).map((n) => ["a", n]),
      ["b", "x"],
    ]);
    expect(await network.seen(`${run}/follow`, "POST")).toHaveLength(1);
    page.remove();
  });

  it("shares its connection with the hooks of single streams", async () => {
    const { Shown, now } = recorder();
    const run = newRun();
    await streamOf(run, "a").append(1, 2);
    let parts: number[] = [];
    function One() {
      parts = useRealtimeStream<number>(run, "a", through).parts;
      return null;
    }
    const page = show([<Shown key="1" run={run} />, <One key="2" />]);
    await until(() => now().streams.a?.parts.length === 2 && parts.length === 2);
    await streamOf(run, "a").append(3);
    await until(() => now().streams.a?.parts.length === 3 && parts.length === 3);
    expect(await network.seen(`${run}/follow`, "POST")).toHaveLength(1);
    page.remove();
  });

  it("shows what the hook of a single stream had read before it came", async () => {
    const { Shown, now } = recorder();
    const run = newRun();
    await streamOf(run, "a").append(1, 2);
    let parts: number[] = [];
    function One() {
      parts = useRealtimeStream<number>(run, "a", through).parts;
      return null;
    }
    const page = show([<One key="1" />]);
    await until(() => parts.length === 2);
    page.again([<One key="1" />, <Shown key="2" run={run} />]);
    await until(() => now().streams.a?.parts.length === 2);
    page.remove();
  });

  it("rolls back a stream in which a writer has begun anew", async () => {
    const { Shown, now } = recorder();
    const stream = new Stream("a");
    await stream.append(1, 2);
    const page = show(<Shown run={stream.run} />);
    await until(() => now().streams.a?.parts.length === 2);
    await stream.supersede(0, 3);
    await until(() => now().streams.a?.parts.length === 1);
    expect(now().streams.a).toMatchObject({ parts: [3], lastIndex: 2 });
    page.remove();
  });

  it("leaves the streams alone that have not changed", async () => {
    const { Shown, now } = recorder();
    const run = newRun();
    await streamOf(run, "a").append(1);
    const page = show(<Shown run={run} />);
    await until(() => now().streams.a);
    const { a } = now().streams;
    await streamOf(run, "b").append(1);
    await until(() => now().streams.b);
    expect(now().streams.a).toBe(a);
    page.remove();
  });

  it("stops, and waits for a run that is not known", async () => {
    const { Shown, now } = recorder();
    const run = newRun();
    await streamOf(run, "a").append(1);
    const page = show(<Shown run={undefined} />);
    expect(now()).toMatchObject({ status: "connecting", streams: {} });
    page.again(<Shown run={run} enabled={false} />);
    expect(now()).toMatchObject({ status: "waiting", streams: {} });
    page.again(<Shown run={run} />);
    await until(() => now().streams.a);
    now().stop();
    await until(() => now().status === "waiting");
    page.remove();
  });

  it("says of a server that cannot follow a run that it is so, and what to use", async () => {
    const { Shown, now } = recorder();
    const refuse = async (_: unknown, response: ServerResponse) =>
      void response.writeHead(404).end();
    await serving(refuse, async (baseURL) => {
      const page = show(<Shown run={newRun()} baseURL={baseURL} />);
      await until(() => now().status === "failed");
      expect(now().error).toMatchObject({ status: 404, code: "cannot_follow_runs" });
      expect(now().error!.message).toContain("use useRealtimeStream");
      page.remove();
    });
  });

  it("ends by the silence that is named, and keeps what is there", async () => {
    const { Shown, now } = recorder();
    const run = newRun();
    await streamOf(run, "a").append(1);
    const page = show(<Shown run={run} timeoutInSeconds={1} />);
    await until(() => now().status === "silent");
    expect(now().streams.a!.parts).toEqual([1]);
    page.remove();
  });

  it("reads once when it is mounted twice, as in strict mode", async () => {
    const { Shown, now } = recorder();
    const run = newRun();
    await streamOf(run, "a").append(1);
    const onData = vi.fn();
    const page = show(
      <StrictMode>
        <Shown run={run} onData={onData} />
      </StrictMode>,
    );
    await until(() => now().streams.a);
    await streamOf(run, "a").append(2);
    await until(() => now().streams.a!.parts.length === 2);
    expect(onData).toHaveBeenCalledTimes(2);
    expect(await network.seen(`${run}/follow`, "POST")).toHaveLength(1);
    page.remove();
    await until(async () => (await network.reset(run)) === 0);
  });

  it("says what is refused, and goes on with a token that is better", async () => {
    const { Shown, now } = recorder();
    const run = newRun();
    await streamOf(run, "a").append(1);
    const page = show(<Shown run={run} accessToken="wrong" />);
    await until(() => now().status === "failed");
    expect(now().error).toMatchObject({ status: 401 });
    page.again(<Shown run={run} accessToken={secret} />);
    await until(() => now().streams.a);
    expect(now()).toMatchObject({ status: "live", error: undefined });
    page.remove();
  });
});

it("shows all to everybody when somebody's onData fails, and lets that be seen", async () => {
  const uncaught = new Promise((resolve) => {
    const listeners = process.rawListeners("uncaughtException");
    process.removeAllListeners("uncaughtException");
    process.once("uncaughtException", (error) => {
      for (const listener of listeners) process.on("uncaughtException", listener as () => void);
      resolve(error);
    });
  });
  const [one, other] = [recorder(), recorder()];
  const run = newRun();
  await streamOf(run, "a").append(1, 2);
  const onData = vi.fn().mockImplementationOnce(() => {
    throw new Error("mine");
  });
  const page = show([
    <one.Shown key="1" run={run} onData={onData} />,
    <other.Shown key="2" run={run} />,
  ]);
  for (const { now } of [one, other]) await until(() => now().streams.a?.parts.length === 2);
  expect(await uncaught).toMatchObject({ message: "mine" });
  expect(onData).toHaveBeenCalledTimes(2);
  expect(await network.seen(`${run}/follow`, "POST")).toHaveLength(1);
  page.remove();
});
