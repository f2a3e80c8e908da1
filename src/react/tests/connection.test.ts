/** The connection that readers share, over a network that is made up. */

import { afterEach, describe, expect, it, vi } from "vitest";
import { polled } from "../src/polled.js";
import { RunConnection } from "../src/runConnection.js";
import { slotsOf } from "../src/slots.js";

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
