/** The hook in React, against a server. */

import { show } from "./support/dom.js";
import { StrictMode, useEffect } from "react";
import { renderToString } from "react-dom/server";
import { describe, expect, it, vi } from "vitest";
import { defineStream } from "../src/define.js";
import {
  RunStreamsProvider,
  useRealtimeStream,
  type RealtimeStream,
  type RealtimeStreamOptions,
} from "../src/index.js";
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
import { StreamReader } from "../src/reader.js";

type Options = RealtimeStreamOptions<any>;

/**
 * A component that keeps a record of all it was shown. It reads by event streams only, so that its reads
 * can be counted: on a busy machine it would look behind them.
 */
function recorder() {
  const seen: RealtimeStream<any>[] = [];
  function Shown({ stream, ...options }: { stream: { run: string; key: string } } & Options) {
    const found = useRealtimeStream<any>(stream.run, stream.key, {
      ...through,
      transport: "events",
      ...options,
    });
    seen.push(found);
    return null;
  }
  const now = () => seen.at(-1)!;
  return { Shown, seen, now, until: (holds: () => boolean) => until(() => seen.length && holds()) };
}

async function numbers(count: number, first = 0): Promise<Stream> {
  const stream = new Stream();
  await stream.append(...range(count, first));
  return stream;
}

describe.concurrent("the hook", () => {
  it("begins with no parts, follows the stream, and says how it ends", async () => {
    const { Shown, seen, now } = recorder();
    const stream = new Stream();
    const page = show(<Shown stream={stream} />);
    expect(seen[0]).toMatchObject({
      parts: [],
      error: undefined,
      status: "connecting",
      lastIndex: -1,
    });
    await until(() => now().status === "live");
    await stream.append("one", "two");
    await until(() => now().parts.length === 2);
    await stream.append("three");
    await stream.close();
    await until(() => now().status === "closed");
    expect(now()).toMatchObject({ parts: ["one", "two", "three"], lastIndex: 2 });
    expect(now().closed).toEqual({ status: "completed", error: null, code: null });
    page.remove();
  });

  it("reads once in strict mode, where everything is mounted twice", async () => {
    const { Shown, now } = recorder();
    const stream = await numbers(3);
    const onData = vi.fn();
    const page = show(
      <StrictMode>
        <Shown stream={stream} onData={onData} />
      </StrictMode>,
    );
    await until(() => now().parts.length === 3);
    await stream.append(3);
    await until(() => now().parts.length === 4);
    expect(onData.mock.calls.map(([data]) => data)).toEqual([0, 1, 2, 3]);
    expect(await stream.reads()).toHaveLength(1);
    page.remove();
  });

  it("stops reading when it is unmounted", async () => {
    const { Shown, seen, now } = recorder();
    const stream = await numbers(1);
    const page = show(<Shown stream={stream} />);
    await until(() => now().parts.length === 1);
    page.remove();
    await until(async () => (await network.reset(stream.run)) === 0);
    const { length } = seen;
    await stream.append(1);
    await sleep(50);
    expect(seen).toHaveLength(length);
    expect(await stream.reads()).toHaveLength(1);
  });

  it("never mixes two streams when the id changes in the middle", async () => {
    const shown: [string, unknown[]][] = [];
    const heard: [string, unknown][] = [];
    function Shown({ stream }: { stream: Stream }) {
      const onData = (data: unknown) => heard.push([stream.run, data]);
      const { parts } = useRealtimeStream(stream.run, { ...through, onData, throttleInMs: 0 });
      shown.push([stream.run, parts]);
      return null;
    }
    const [a, b] = [await numbers(5), await numbers(5, 100)];
    const page = show(<Shown stream={a} />);
    for (const n of range(6)) {
      await Promise.all([a.append(5 + n), b.append(105 + n)]);
      page.again(<Shown stream={n % 2 ? a : b} />);
      const [current] = shown.at(-1)!;
      if (n > 2) await until(() => shown.at(-1)![0] === current && shown.at(-1)![1].length > 5 + n);
    }
    for (const [run, parts] of shown) {
      expect(parts).toEqual(range(parts.length, run === a.run ? 0 : 100));
    }
    for (const [run, data] of heard) expect((data as number) >= 100).toBe(run === b.run);
    page.remove();
  });

  it("throttles what is shown, not what is heard", async () => {
    const { Shown, seen, now } = recorder();
    const stream = new Stream();
    const onData = vi.fn();
    const page = show(<Shown stream={stream} throttleInMs={100_000} onData={onData} />);
    await until(() => now().status === "live");
    const before = seen.length;
    for (const n of range(20)) await stream.append(n);
    await until(() => onData.mock.calls.length === 20);
    // The first chunk is shown at once, and then nothing until the end.
    expect(seen.length - before).toBe(1);
    expect(now().parts[0]).toBe(0);
    await stream.close();
    await until(() => now().status === "closed");
    expect(now().parts).toEqual(range(20));
    page.remove();
  });

  it("shows a replay of 10,000 chunks in few renders", async () => {
    const { Shown, seen, now } = recorder();
    const stream = await numbers(10_000);
    // So long that it does not matter how long a busy machine takes.
    const page = show(<Shown stream={stream} throttleInMs={1_000} />);
    await until(() => now().parts.length === 10_000);
    expect(now().parts).toEqual(range(10_000));
    expect(seen.length).toBeLessThan(6);
    page.remove();
  });

  it("reads a stream once for all components that want the same of it", async () => {
    const one = recorder();
    const two = recorder();
    const late = recorder();
    const stream = await numbers(3);
    const onData = vi.fn();
    const both = [<one.Shown key="1" stream={stream} />, <two.Shown key="2" stream={stream} />];
    const page = show(both);
    await until(() => one.now().parts.length === 3 && two.now().parts.length === 3);
    page.again([...both, <late.Shown key="3" stream={stream} onData={onData} />]);
    expect(late.now().parts).toEqual([0, 1, 2]);
    page.again(<late.Shown key="3" stream={stream} onData={onData} />);
    await stream.append(3);
    await until(() => late.now().parts.length === 4);
    expect(onData.mock.calls.map(([data]) => data)).toEqual([0, 1, 2, 3]);
    expect(await stream.reads()).toHaveLength(1);
    page.remove();
  });

  it("goes on when a token is renewed, and hears nothing twice", async () => {
    const { Shown, now } = recorder();
    const other = recorder();
    const stream = await numbers(2);
    const onData = vi.fn();
    const both = (token: string) => [
      <Shown key="1" stream={stream} accessToken={token} onData={onData} />,
      <other.Shown key="2" stream={stream} accessToken={token} />,
    ];
    const page = show(both(secret));
    await until(() => now().parts.length === 2);
    // One that is no good, so that it shows which one is asked with when the one before expires.
    page.again(both("renewed"));
    expect(now().parts).toEqual([0, 1]);
    expect(await stream.reads()).toHaveLength(1);
    await network.fail({ path: stream.run, status: 401, times: 1 });
    await network.reset(stream.run);
    await until(() => now().status === "failed");
    expect(now().parts).toEqual([0, 1]);
    await stream.append(2);
    page.again(both(secret)[0]);
    await until(() => now().parts.length === 3);
    expect(now()).toMatchObject({ parts: [0, 1, 2], error: undefined });
    expect(onData.mock.calls.map(([data]) => data)).toEqual([0, 1, 2]);
    page.remove();
  });

  it("shares what it reads with a token that was not known at first", async () => {
    const [one, two] = [recorder(), recorder()];
    const stream = await numbers(2);
    const page = show(
      <one.Shown key="1" stream={stream} accessToken={undefined} enabled={false} />,
    );
    page.again([
      <one.Shown key="1" stream={stream} accessToken={secret} />,
      <two.Shown key="2" stream={stream} accessToken={secret} />,
    ]);
    await until(() => one.now().parts.length === 2 && two.now().parts.length === 2);
    expect(await stream.reads()).toHaveLength(1);
    page.remove();
  });

  it("does not share what one token has read with another one", async () => {
    const [one, two] = [recorder(), recorder()];
    const stream = await numbers(2);
    const page = show([
      <one.Shown key="1" stream={stream} />,
      <two.Shown key="2" stream={stream} accessToken="wrong" />,
    ]);
    await until(() => one.now().parts.length === 2 && two.now().status === "failed");
    expect(two.now()).toMatchObject({ parts: [], error: { status: 401 } });
    page.remove();
  });

  it("begins with the token of the day when it reads another stream", async () => {
    const { Shown, now } = recorder();
    const late = recorder();
    const [a, b] = [await numbers(1), await numbers(2)];
    const page = show(<Shown key="1" stream={a} accessToken="wrong" />);
    await until(() => now().status === "failed");
    page.again(<Shown key="1" stream={b} accessToken={secret} />);
    await until(() => now().parts.length === 2);
    page.again([
      <Shown key="1" stream={b} accessToken={secret} />,
      <late.Shown key="2" stream={b} accessToken={secret} />,
    ]);
    expect(late.now().parts).toEqual([0, 1]);
    expect(await b.reads()).toHaveLength(1);
    page.remove();
  });

  it("subscribes anew when the key changes, and goes on with a token that is better", async () => {
    const { Shown, now } = recorder();
    const stream = await numbers(2);
    const page = show(<Shown stream={stream} accessToken="wrong" />);
    await until(() => now().status === "failed");
    expect(now().error).toMatchObject({ status: 401 });
    page.again(<Shown stream={stream} />);
    expect(now()).toMatchObject({ error: undefined, parts: [] });
    await until(() => now().parts.length === 2);
    page.again(<Shown stream={{ run: stream.run, key: "other" }} />);
    expect(now().parts).toEqual([]);
    await until(() => now().status === "live");
    expect((await network.seen(`${stream.run}/other`)).length).toBeGreaterThan(0);
    page.remove();
  });

  it("keeps its subscription when a function that returns tokens is another one", async () => {
    const { Shown, now } = recorder();
    const stream = await numbers(1);
    const page = show(<Shown stream={stream} accessToken={() => secret} />);
    page.again(<Shown stream={stream} accessToken={async () => secret} />);
    await until(() => now().parts.length === 1);
    page.again(<Shown stream={stream} accessToken={() => secret} />);
    await stream.append(1);
    await until(() => now().parts.length === 2);
    expect(await stream.reads()).toHaveLength(1);
    page.remove();
  });

  it("asks the function of the day when a token has expired", async () => {
    const { Shown, now } = recorder();
    const stream = await numbers(1);
    const page = show(<Shown stream={stream} accessToken={() => "expired"} />);
    page.again(<Shown stream={stream} accessToken={() => secret} />);
    await until(() => now().parts.length === 1);
    page.remove();
  });

  it("reads nothing while it is not enabled, or the run is not known", async () => {
    const { Shown, now } = recorder();
    const stream = await numbers(1);
    const page = show(<Shown stream={stream} enabled={false} />);
    expect(now()).toMatchObject({ status: "waiting", parts: [] });
    page.again(<Shown stream={{ ...stream, run: undefined as unknown as string }} />);
    expect(now()).toMatchObject({ status: "connecting", parts: [] });
    await sleep(30);
    expect(await stream.reads()).toHaveLength(0);
    page.again(<Shown stream={stream} />);
    await until(() => now().parts.length === 1);
    page.remove();
  });

  it("keeps the latest parts only, if it is told so", async () => {
    const { Shown, now } = recorder();
    const stream = await numbers(25);
    const onData = vi.fn();
    const page = show(<Shown stream={stream} maxParts={10} onData={onData} />);
    await until(() => now().lastIndex === 24);
    expect(now().parts).toEqual(range(10, 15));
    await stream.append(25);
    await until(() => now().lastIndex === 25);
    expect(now().parts).toEqual(range(10, 16));
    expect(onData).toHaveBeenCalledTimes(26);
    page.remove();
  });

  it("goes on from an index that was kept", async () => {
    const { Shown, now } = recorder();
    const stream = await numbers(5);
    const page = show(<Shown stream={stream} startIndex={3} />);
    await until(() => now().lastIndex === 4);
    expect(now().parts).toEqual([3, 4]);
    page.remove();
  });

  it("tells silence from the end, and keeps what is there", async () => {
    const { Shown, now } = recorder();
    const stream = await numbers(2);
    const page = show(<Shown stream={stream} timeoutInSeconds={1} />);
    await until(() => now().status === "silent");
    expect(now()).toMatchObject({ parts: [0, 1], closed: undefined, error: undefined });
    expect(now().lastIndex).toBe(1);
    page.remove();
  });

  it("stops, and keeps what is there", async () => {
    const { Shown, now } = recorder();
    const stream = await numbers(2);
    const page = show(<Shown stream={stream} />);
    await until(() => now().parts.length === 2);
    now().stop();
    await until(() => now().status === "waiting");
    await stream.append(2);
    await sleep(30);
    expect(now().parts).toEqual([0, 1]);
    page.remove();
  });

  it("asks the producer to stop", async () => {
    const { Shown, now } = recorder();
    const stream = await numbers(1);
    const page = show(<Shown stream={stream} />);
    await now().stopProducer();
    const found = await ask("GET", `/api/v1/runs/${stream.run}/streams/default`);
    expect(await found.json()).toMatchObject({ stop: true });
    page.remove();
  });

  it("forgets what was there when the stream is begun anew", async () => {
    const { Shown, now } = recorder();
    const stream = new Stream();
    await stream.append("old", "older");
    const page = show(<Shown stream={stream} />);
    await until(() => now().parts.length === 2);
    await stream.delete();
    await stream.append("new");
    await until(() => now().parts[0] === "new");
    expect(now().parts).toEqual(["new"]);
    page.remove();
  });

  it("rolls back to where a writer has begun anew, and goes on, in one render", async () => {
    const { Shown, seen, now } = recorder();
    const stream = new Stream();
    await stream.append("As", " it", " was");
    const page = show(<Shown stream={stream} />);
    await until(() => now().parts.length === 3);
    await stream.supersede(1, " it", " is");
    await until(() => now().parts.at(-1) === " is");
    expect(now()).toMatchObject({ parts: ["As", " it", " is"], lastIndex: 4 });
    expect(seen.every(({ parts }) => parts.length === 0 || parts.length === 3)).toBe(true);
    const later = recorder();
    const other = show(<later.Shown stream={stream} maxParts={10} />);
    await until(() => later.now().parts.length);
    expect(later.now().parts).toEqual(["As", " it", " is"]);
    for (const each of [page, other]) each.remove();
  });

  it("tells of each chunk that counts once, also when it was rolled back", async () => {
    const { Shown, now } = recorder();
    const stream = new Stream();
    await stream.append(0, 1, 2);
    const told: number[] = [];
    const page = show(<Shown stream={stream} onData={(data: number) => told.push(data)} />);
    await until(() => now().parts.length === 3);
    await stream.supersede(1, 10);
    await stream.append(11);
    await until(() => now().parts.length === 3 && now().lastIndex === 4);
    expect(told).toEqual([0, 1, 2, 10, 11]);
    page.remove();
  });

  it("takes its server from the provider, and its stream from a definition", async () => {
    const stream = new Stream("answer");
    await stream.append("there");
    const answer = defineStream<string>({ id: "answer" });
    let found: string[] = [];
    function Shown() {
      const { parts } = useRealtimeStream(answer, stream.run);
      found = parts;
      return parts.join("");
    }
    const page = show(
      <RunStreamsProvider {...through}>
        <Shown />
      </RunStreamsProvider>,
    );
    await until(() => found.length);
    expect(found).toEqual(["there"]);
    page.remove();
  });

  it.each([null, undefined])("waits for a run that is %s", async (run) => {
    const answer = defineStream<string>({ id: "answer" });
    const seen: string[] = [];
    function Shown() {
      seen.push(useRealtimeStream(run, through).status);
      seen.push(useRealtimeStream(run, "answer", through).status);
      seen.push(useRealtimeStream(answer, run, through).status);
      return null;
    }
    show(<Shown />).remove();
    expect(seen).toEqual(["connecting", "connecting", "connecting"]);
  });

  it.each([null, undefined])("reads the default stream when the key is %s", async (key) => {
    const stream = await numbers(3);
    let found: number[] = [];
    function Shown() {
      found = useRealtimeStream<number>(stream.run, key, { ...through, startIndex: 2 }).parts;
      return null;
    }
    const page = show(<Shown />);
    await until(() => found.length);
    expect(found).toEqual([2]);
    page.remove();
  });

  it("shows what its own parser makes of the chunks' texts", async () => {
    const texts = recorder();
    const stream = new Stream();
    const id = "1610521604143693812";
    await ask("POST", `/realtime/v1/streams/${stream.run}/self/default`, id);
    const page = show(<texts.Shown stream={stream} parse={(text) => BigInt(text)} />);
    page.again(<texts.Shown stream={stream} parse={(text) => BigInt(text)} />);
    await until(() => texts.now().parts.length);
    page.again(<texts.Shown stream={stream} parse={(text) => BigInt(text)} />);
    expect(texts.now().parts).toEqual([BigInt(id)]);
    expect(await stream.reads()).toHaveLength(1);
    page.remove();
  });

  it("reads a stream anew for components that parse it otherwise", async () => {
    const [one, two, other] = [recorder(), recorder(), recorder()];
    const stream = await numbers(2);
    const parse = (text: string) => text;
    const page = show([
      <one.Shown key="1" stream={stream} parse={parse} />,
      <two.Shown key="2" stream={stream} parse={parse} />,
      <other.Shown key="3" stream={stream} />,
    ]);
    await until(() => [one, two, other].every(({ now }) => now().parts.length === 2));
    expect([one, two, other].map(({ now }) => now().parts)).toEqual([
      ["0", "1"],
      ["0", "1"],
      [0, 1],
    ]);
    expect(await stream.reads()).toHaveLength(2);
    page.remove();
  });

  it("renders on a server, and reads nothing there", async () => {
    const stream = await numbers(1);
    function Shown() {
      const { parts, status } = useRealtimeStream<number>(stream.run, through);
      useEffect(() => {
        throw new Error("effects do not run on servers");
      });
      return `${status}: ${parts.length}`;
    }
    expect(renderToString(<Shown />)).toBe("connecting: 0");
    expect(await stream.reads()).toHaveLength(0);
  });
});

it("goes on when somebody's onData fails, and lets that be seen", async () => {
  const uncaught = new Promise((resolve) => {
    const listeners = process.rawListeners("uncaughtException");
    process.removeAllListeners("uncaughtException");
    process.once("uncaughtException", (error) => {
      for (const listener of listeners) process.on("uncaughtException", listener as () => void);
      resolve(error);
    });
  });
  const { Shown, now } = recorder();
  const stream = await numbers(2);
  const onData = vi.fn().mockImplementationOnce(() => {
    throw new Error("mine");
  });
  const page = show(<Shown stream={stream} onData={onData} />);
  await until(() => now().parts.length === 2);
  expect(await uncaught).toMatchObject({ message: "mine" });
  expect(onData).toHaveBeenCalledTimes(2);
  page.remove();
});

it("follows what StreamReader reads", async () => {
  const stream = await numbers(2);
  await stream.close();
  expect(await collect(new StreamReader(stream.run, "default", through))).toHaveLength(2);
});
