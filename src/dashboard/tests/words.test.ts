import { describe, expect, it } from "vitest";
import { placeIn, spanOf } from "../src/timeline.js";
import { expiryOf, leaseOf, nothingIn, nothingOf, reasonOf, reasonOfRun } from "../src/words.js";
import { runInfo, streamInfo } from "./support/told.js";

const DAY = 86_400_000;
const done = { status: "completed", error: null, code: null } as const;
const lost = { status: "failed", error: "nothing was heard of it", code: "producer_lost" } as const;

describe("a run without streams", () => {
  it.each([
    [undefined, "Nothing is known of this run yet"],
    [runInfo("r"), "No streams yet"],
    [runInfo("r", { completed: 1, status: "completed" as const }), "Completed, without streams"],
    [runInfo("r", { completed: 1, status: "failed" as const }), "Failed, without streams"],
  ])("%#: %s", (info, title) => expect(nothingIn(info)).toMatchObject({ title }));
});

describe("a stream without chunks", () => {
  const over = runInfo("r", { completed: 1, status: "canceled" });

  it.each([
    [undefined, undefined, "Nothing yet, waiting"],
    [undefined, over, "There is no such stream"],
    [streamInfo("k"), undefined, "Nothing yet, waiting"],
    [streamInfo("k", { closed: done }), undefined, "Nothing was written"],
    [streamInfo("k", { tail: 7, first_index: 7 }), undefined, "Its chunks have expired"],
    [streamInfo("k", { tail: 7, first_index: 7, closed: done }), over, "Its chunks have expired"],
  ])("%#: %s", (info, run, title) => expect(nothingOf(info, run)).toMatchObject({ title }));

  it("is over when its reader was told so first", () =>
    expect(nothingOf(streamInfo("k"), undefined, true).title).toBe("Nothing was written"));
});

describe("a producer", () => {
  it("that was lost is said in plain words", () => {
    expect(reasonOf(streamInfo("k", { closed: lost }))).toContain("What it had written is kept");
    expect(reasonOf(streamInfo("k", { closed: { ...lost, code: null } }))).toBe(lost.error);
    const run = runInfo("r", { status: "lost", leased_until: 0 });
    expect(reasonOfRun(run, 60_000)).toMatch(/promised that until 1 m ago.*complete the run/);
    expect(reasonOfRun(runInfo("r", { error: "why" }), 0)).toBe("why");
  });

  it("is known to live for as long as it has promised", () => {
    expect(leaseOf(streamInfo("k", { leased_until: 43_000 }), 0)).toBe("due within 43 s");
    expect(leaseOf(streamInfo("k", { leased_until: 43_000 }), 44_000)).toBe("overdue");
    expect(leaseOf(streamInfo("k", { leased_until: 43_000, closed: done }), 0)).toBeNull();
    expect(leaseOf(streamInfo("k"), 0)).toBeNull();
  });
});

describe("when a run expires", () => {
  const expiring = (...times: number[]) => times.map((expires) => streamInfo("k", { expires }));
  const run = runInfo("r", { expires: 56 * DAY });

  it.each([
    [[], ""],
    [[28], "its streams in 28 d"],
    [[27, 28], "its streams in 27 d to 28 d"],
    [[27, 56], "its streams in 27 d to 56 d"],
    [[56, 56], "with its streams"],
  ])("its streams, at %j: %s", (days, words) =>
    expect(expiryOf(run, expiring(...days.map((day) => day * DAY)), 0)).toBe(words),
  );
});

describe("the timeline", () => {
  const streams = [
    streamInfo("a", { created: 100, updated: 300, closed: done }),
    streamInfo("b", { created: 200, updated: 250 }),
  ];

  it("goes from the run's beginning to now, or to the last end", () => {
    expect(spanOf(runInfo("r", { created: 50 }), streams, 1050)).toEqual({ from: 50, to: 1050 });
    expect(spanOf(undefined, streams.slice(0, 1), 1050)).toEqual({ from: 100, to: 300 });
  });

  it("shows where each stream was written, and that it goes on", () => {
    const span = { from: 0, to: 1000 };
    expect(placeIn(span, streams[0]!)).toEqual({ begin: 0.1, written: 0.3, end: 0.3 });
    expect(placeIn(span, streams[1]!)).toEqual({ begin: 0.2, written: 0.25, end: 1 });
  });
});
