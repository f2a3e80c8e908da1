/** The connection that readers share, over a network that is made up. */

import { afterEach, describe, expect, it, vi } from "vitest";
import { polled } from "../src/polled.js";
import { RunConnection } from "../src/runConnection.js";
import { slotsOf } from "../src/slots.js";
import type { Wanted } from "../src/wanted.js";

afterEach(() => void vi.useRealTimers());

describe("polls of a quiet run", () => {
  it("are progress: failures with hours between them are not added up", async () => {
    vi.useFakeTimers();
    polled.add("http://polled");
    let polls = 0;
    const fetch = vi.fn(async () => {
      polls += 1;
      await new Promise((resolve) => setTimeout(resolve, 20_000));
      if (polls % 10 === 0) throw new TypeError("fetch failed");
      return Response.json({ streams: [], over: false, leased_until: Date.now() });
    });
    const onStatus = vi.fn();
    const connection = new RunConnection(
      "run",
      { baseURL: "http://polled", fetch },
      () => ({ streams: { a: 0 }, all: false }),
      slotsOf("", undefined),
      { onItems: () => {}, onStatus },
    );
    await vi.advanceTimersByTimeAsync(6 * 3_600_000);
    connection.stop();
    expect(polls).toBeGreaterThan(1000);
    expect(onStatus.mock.calls.flat()).not.toContain("failed");
  });
});

it("does not say that a run is over to whoever asks for something else meanwhile", async () => {
  polled.add("http://polled");
  const asked: Wanted[] = [];
  const fetch = vi.fn(async (_: string, init: RequestInit) => {
    asked.push(JSON.parse(init.body as string));
    const closed = { status: "completed", error: null };
    const page = { key: "a", chunks: [], next_index: 2, tail: 2, closed };
    return Response.json({ streams: [page], over: true, leased_until: null });
  });
  const wanted: Wanted = { streams: { a: 1 }, all: true };
  /** How often it had asked when it said that nothing more comes. */
  const closes: number[] = [];
  const connection = new RunConnection(
    "run",
    { baseURL: "http://polled", fetch: fetch as never },
    () => wanted,
    slotsOf("", undefined),
    {
      onItems: () => (wanted.streams.a = asked.length === 1 ? 0 : null),
      onStatus: (status) => status === "closed" && closes.push(asked.length),
    },
  );
  await vi.waitFor(() => expect(asked.length + closes.length).toBeGreaterThan(2));
  connection.stop();
  expect(asked.map(({ streams }) => streams)).toEqual([{ a: 1 }, { a: 0 }]);
  expect(closes).toEqual([2]);
});

it("believes in event streams still when something else is wanted while it doubts", async () => {
  vi.useFakeTimers();
  const wanted: Wanted = { streams: { a: 0 }, all: false };
  const accepted: string[] = [];
  const fetch = vi.fn(async (_: string, init: RequestInit) => {
    const { Accept } = init.headers as { Accept: string };
    accepted.push(Accept);
    const page = { key: "a", chunks: [{ index: 0, data: 1, id: "g-0" }], next_index: 1, tail: 1 };
    if (Accept === "application/json") return Response.json({ streams: [page], over: false });
    return new Promise<Response>((_, reject) =>
      init.signal!.addEventListener("abort", () => reject(init.signal!.reason)),
    );
  });
  const connection = new RunConnection(
    "run",
    { baseURL: "http://doubted", fetch: fetch as never },
    () => wanted,
    slotsOf("", undefined),
    { onItems: () => {}, onStatus: () => {} },
  );
  while (accepted.length < 2) await vi.advanceTimersByTimeAsync(100);
  wanted.streams.b = 0;
  expect(connection.changed()).toBe(true);
  while (accepted.length < 3) await vi.advanceTimersByTimeAsync(100);
  connection.stop();
  expect(accepted).toEqual(["text/event-stream", "application/json", "text/event-stream"]);
});
