import { describe, expect, it } from "vitest";
import { expiredAt, explain } from "../src/problem.js";
import { claimsOf, mayRead, placesOf } from "../src/token.js";

function tokenOf(claims: unknown): string {
  const payload = Buffer.from(JSON.stringify(claims)).toString("base64url");
  return `eyJhbGciOiJIUzI1NiJ9.${payload}.c2lnbmF0dXJl`;
}

const scoped = (...scopes: string[]) =>
  claimsOf(tokenOf({ pub: true, scopes, exp: 2_000_000_000 }));

describe("a token", () => {
  it("says its scopes and when it expires", () => {
    expect(scoped("read:runs:run_🎈")).toEqual({
      scopes: ["read:runs:run_🎈"],
      expires: 2_000_000_000_000,
    });
  });

  it.each(["sk_secret", "a.b", "a.b.c.d", "a.!!!.c", "a.e30=x.c", `a.${btoa("null")}.c`, ""])(
    "%j is none: it may be a key",
    (text) => expect(claimsOf(text)).toBeUndefined(),
  );

  it("has no scopes when what it has is no list of texts", () => {
    expect(claimsOf(tokenOf({ scopes: "admin" }))).toEqual({ scopes: [], expires: undefined });
    expect(claimsOf(tokenOf({ scopes: [1, null, "read:runs"] }))!.scopes).toEqual(["read:runs"]);
  });

  it.each([
    ["read:runs", true, true],
    ["*:runs", true, true],
    ["read:all", true, true],
    ["read:all:x", true, true],
    ["admin", true, true],
    ["read:runs:r1", false, true],
    ["read:runs:r2", false, false],
    ["read:runs: ", false, false],
    ["read:streams:r1/k", false, false],
    ["write:runs:r1", false, false],
    ["read", false, false],
  ])("with %s may list runs: %s; read the run r1: %s", (scope, all, one) => {
    expect(mayRead(scoped(scope), "runs")).toBe(all);
    expect(mayRead(scoped(scope), "runs", "r1")).toBe(one);
  });

  it("is not asked for when a secret key is there", () =>
    expect(mayRead(undefined, "runs")).toBe(true));

  it("leads to the runs and streams that it names, once each", () => {
    const names = [
      "read:runs:r1",
      "*:runs:r1",
      "read:streams:r2/a/b:c",
      "write:runs:r3",
      "read:runs",
    ];
    expect(placesOf(scoped(...names, "read:streams:r4", "read:runs:a:b"))).toEqual([
      { run: "r1" },
      { run: "r2", key: "a/b:c" },
      { run: "a:b" },
    ]);
    expect(placesOf(undefined)).toEqual([]);
  });
});

describe("a problem", () => {
  const now = 2_000_000_060_000;
  const claims = scoped("read:runs:mine");
  const said = (error: unknown, whose: typeof claims | null = claims, at = now - 120_000) => {
    const known = whose ?? undefined;
    const { title, detail, needsToken, isPassing } = explain(error, known, "read:runs:r", at);
    return { text: `${title}. ${detail}`, needsToken, isPassing };
  };

  it("names when a token expired", () => {
    expect(expiredAt(claims, now)).toBe(2_000_000_000_000);
    expect(expiredAt(claims, now - 120_000)).toBeUndefined();
    expect(said({ status: 401 }, claims, now)).toMatchObject({ needsToken: true });
    expect(said({ status: 401 }, claims, now).text).toMatch(/expired 1 m ago, at 2033-05-18 /);
  });

  it("names the scope that is missing, and those that are there", () => {
    expect(said({ status: 403 })).toMatchObject({ needsToken: true, isPassing: false });
    expect(said({ status: 403 }).text).toMatch(
      /lacks the scope read:runs:r\. It has read:runs:mine\./,
    );
  });

  it("tells a key from a token that is not accepted", () => {
    expect(said({ status: 401, message: "Invalid API key" }, null).text).toMatch(/^This key/);
    expect(said({ status: 401, message: "is invalid" }).text).toMatch(/^This token .* is invalid/);
  });

  it.each([0, 404, 429, 500, 503])("that may pass is waited for: %i", (status) => {
    expect(said({ status })).toMatchObject({ isPassing: true, needsToken: false });
  });

  it.each([400, 410, 422])("that cannot pass is not: %i", (status) => {
    expect(said({ status, message: "why" })).toMatchObject({ isPassing: false, needsToken: false });
  });
});
