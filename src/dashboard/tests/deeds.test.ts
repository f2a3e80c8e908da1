import { createHmac } from "node:crypto";
import { describe, expect, it, vi } from "vitest";
import type { Api, StreamInfo } from "../src/api.js";
import { ApiError } from "../src/api.js";
import { deedsOfRun, deedsOfStream } from "../src/deeds.js";
import { whyNot } from "../src/problem.js";
import { hindrance, signed } from "../src/signing.js";
import { claimsOf } from "../src/token.js";
import { runInfo, streamInfo } from "./support/told.js";

const claims = (...scopes: string[]) => ({ scopes, expires: undefined });
const names = (deeds: { name: string }[]) => deeds.map(({ name }) => name.replace("…", "")).join();
const closed = { status: "completed", error: null, code: null } as const;
const ofStream = (scopes: string[] | undefined, more: Partial<StreamInfo> = {}) =>
  names(deedsOfStream(scopes && claims(...scopes), streamInfo("k", more)));

describe("what is offered", () => {
  it("is everything to the holder of a key, as far as it makes sense", () => {
    expect(ofStream(undefined)).toBe("Ask to stop,Close,Delete");
    expect(ofStream(undefined, { stop: true })).toBe("Close,Delete");
    expect(ofStream(undefined, { closed })).toBe("Delete");
    const streams = [streamInfo("k"), streamInfo("l", { closed })];
    expect(names(deedsOfRun(undefined, runInfo("r"), streams))).toBe("Ask to stop,Complete,Delete");
    const over = runInfo("r", { completed: 1, status: "failed" });
    expect(names(deedsOfRun(undefined, over, [streams[1]!]))).toBe("Delete");
  });

  it.each([
    ["read:runs:r", ""],
    ["stop:runs:r", "Ask to stop"],
    ["stop:streams:r/k", "Ask to stop"],
    ["write:streams:r/k", "Ask to stop,Close"],
    ["write:streams:r/other", ""],
    ["manage:runs:r", "Delete"],
    ["admin", "Ask to stop,Close,Delete"],
  ])("with %s, of a stream: %s", (scope, wanted) => expect(ofStream([scope])).toBe(wanted));

  it.each([
    ["read:runs", ""],
    ["stop:runs:r", "Ask to stop"],
    ["stop:streams:r/k", ""],
    ["manage:runs:r", "Complete,Delete"],
  ])("with %s, of a run: %s", (scope, wanted) =>
    expect(names(deedsOfRun(claims(scope), runInfo("r"), [streamInfo("k")]))).toBe(wanted),
  );
});

describe("what will happen", () => {
  it("is said before", () => {
    const [, , remove] = deedsOfStream(undefined, streamInfo("k", { tail: 3, bytes: 2048 }));
    expect(remove!.says.join(" ")).toMatch(/3 chunks \(2 KiB\).*begins a new stream/);
    const [, complete] = deedsOfRun(undefined, runInfo("r"), [streamInfo("k")]);
    expect(complete!.says[0]).toContain("1 open stream is closed");
  });

  it("is that each open stream's producer is asked, for a run", async () => {
    const stop = vi.fn(() => Promise.resolve());
    const streams = [
      streamInfo("a"),
      streamInfo("b", { closed }),
      streamInfo("c", { stop: true }),
      streamInfo("d"),
    ];
    const [all] = deedsOfRun(undefined, runInfo("r"), streams);
    await all!.do({ stop } as unknown as Api, closed);
    expect(stop.mock.calls).toEqual([
      ["r", "a"],
      ["r", "d"],
    ]);
  });
});

describe("what was not done", () => {
  const why = (status: number, code: string) =>
    whyNot(new ApiError(status, code, "because"), claims("read:runs"), "manage:runs:r", 0);

  it("is not tried again by itself, and may have happened", () => {
    expect(why(0, "unreachable").detail).toContain("does no harm");
    expect(why(500, "uncertain").detail).not.toContain("Trying again");
  });

  it("says what the server said, or which scope is missing", () => {
    expect(why(409, "closed_differently").detail).toBe("because");
    expect(why(403, "unauthorized").detail).toContain("manage:runs:r");
    expect(why(404, "not_found").title).toContain("not there any more");
  });
});

describe("a token that is made here", () => {
  it("is signed as the server reads it", async () => {
    const token = await signed("a secret: ü", ["read:streams:r/ä"], 1_999, 60);
    expect(claimsOf(token)).toEqual({ scopes: ["read:streams:r/ä"], expires: 61_000 });
    const [head, payload, signature] = token.split(".");
    const wanted = createHmac("sha256", "a secret: ü").update(`${head}.${payload}`);
    expect(signature).toBe(wanted.digest("base64url"));
  });

  it("is made only where a browser signs", () => {
    expect(hindrance()).toBeUndefined();
    vi.stubGlobal("crypto", {});
    expect(hindrance()).toContain("HTTPS");
    vi.unstubAllGlobals();
  });
});
