import { afterEach, describe, expect, it, vi } from "vitest";
import { StreamError } from "../src/errors.js";
import { delay, isPassing } from "../src/retrying.js";

afterEach(() => void vi.useRealTimers());

const refused = (status: number, retryAfter = 0) =>
  new StreamError("no", status, "code", {}, retryAfter);

describe("what may pass", () => {
  it.each([0, 408, 425, 429, 500, 502, 503, 504, 507])("includes %i", (status) => {
    expect(isPassing(refused(status))).toBe(true);
  });

  it.each([400, 401, 403, 404, 409, 410, 413, 422, 501])("does not include %i", (status) => {
    expect(isPassing(refused(status))).toBe(false);
  });

  it("does not include a run that has opened too many streams, which may take weeks", () => {
    const full = new StreamError("no", 429, "too_many_streams", { limit: 3 }, 2_419_200);
    expect(isPassing(full)).toBe(false);
  });

  it("includes whatever fetch raises", () => {
    expect(isPassing(new TypeError("fetch failed"))).toBe(true);
  });
});

describe("the time to wait", () => {
  it("doubles, up to ten seconds", () => {
    expect([1, 2, 3, 20].map((attempt) => delay(attempt, 1))).toEqual([250, 500, 1000, 10_000]);
  });

  it("is half by chance", () => {
    expect([0, 0.5, 1].map((chance) => delay(2, chance))).toEqual([250, 375, 500]);
  });

  it("is at least what the server asks for", () => {
    expect(delay(1, 0, refused(503, 3))).toBe(3000);
    expect(delay(1, 1, refused(503, 3))).toBe(3125);
  });

  it.each([61, 86_400, 2_147_484, 1e12])("is a minute when it asks for %i s", (asked) => {
    expect(delay(1, 0, refused(503, asked))).toBe(60_000);
  });
});

describe("an error", () => {
  it.each([
    [{ error: { code: "gap", message: "so", expected: 3 } }, ["so", "gap", { expected: 3 }]],
    [{ error: "text" }, ["text", "unknown", {}]],
    ["no object", ["the server answered 400", "unknown", {}]],
  ])("says what the server said in %j", async (body, [message, code, facts]) => {
    const error = await StreamError.from(Response.json(body, { status: 400 }));
    expect([error.message, error.code, error.facts]).toEqual([message, code, facts]);
    expect(error.status).toBe(400);
  });

  it.each([
    ["7", 7],
    ["2147484", 2_147_484],
    ["Fri, 17 Jul 2026 10:00:30 GMT", 30],
    ["Friday, 17-Jul-26 10:01:00 GMT", 60],
    ["Fri Jul 17 10:00:05 2026", 5],
    ["Fri, 17 Jul 2026 09:59:00 GMT", 0],
    ["-5", 0],
    ["soon", 0],
    ["", 0],
  ])("knows how long %j is", async (said, seconds) => {
    vi.useFakeTimers({ now: Date.UTC(2026, 6, 17, 10), toFake: ["Date"] });
    const answer = new Response("", { status: 503, headers: { "Retry-After": said } });
    expect((await StreamError.from(answer)).retryAfter).toBe(seconds);
  });

  it("needs no JSON", async () => {
    const answer = new Response("<html>", { status: 502, headers: { "Retry-After": "7" } });
    expect(await StreamError.from(answer)).toMatchObject({ status: 502, retryAfter: 7 });
  });
});
