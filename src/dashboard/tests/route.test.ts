import { expect, it } from "vitest";
import { format, parse, takeToken, type Route } from "../src/route.js";

it.each<[Route, string]>([
  [{}, "#/"],
  [{ run: "run_1" }, "#/runs/run_1"],
  [{ run: "run_1", key: "answer" }, "#/runs/run_1/answer"],
  [{ run: "run_1", key: "a", at: 0 }, "#/runs/run_1/a?at=0"],
  [{ run: "r", key: "a", at: 500_000, view: "text" }, "#/runs/r/a?at=500000&view=text"],
  [
    { run: "r?&=#% 🎈", key: "<img src=x>" },
    `#/runs/${encodeURIComponent("r?&=#% 🎈")}/%3Cimg%20src%3Dx%3E`,
  ],
])("%j stands at %s", (route, fragment) => {
  expect(format(route)).toBe(fragment);
  expect(parse(fragment)).toEqual(route);
});

it.each([
  "",
  "#",
  "#/elsewhere",
  "#/runs",
  "#/runs/",
  "#/runs/%E0%A4%A",
  "#/runs/a/b/c",
  "x/runs/a",
])("%j leads to the runs", (fragment) => expect(parse(fragment)).toEqual({}));

it.each(["-1", "1e3", "0x10", "99999999999999999999", "9007199254740992", "NaN", ""])(
  "does not begin at %j",
  (at) => expect(parse(`#/runs/r/k?at=${at}&view=3d`)).toEqual({ run: "r", key: "k" }),
);

it("names the list in no address, as it is what one sees anyway", () => {
  expect(format({ run: "r", key: "k", view: "list" })).toBe("#/runs/r/k");
});

it.each([
  ["#token=sk_1", "sk_1", "#/"],
  ["#/?token=a.b.c", "a.b.c", "#/"],
  ["#/&token=a", "a", "#/"],
  ["#/runs/r?token=a%2Bb", "a+b", "#/runs/r"],
  ["#/runs/r/k?at=3&token=a", "a", "#/runs/r/k?at=3"],
  ["#/runs/r/k?token=a&at=3", "a", "#/runs/r/k?at=3"],
  ["#token=a&/runs/r", "a", "#/runs/r"],
  ["#token=", "", "#/"],
])("takes the token out of %s", (fragment, token, rest) => {
  expect(takeToken(fragment)).toEqual({ token, rest });
});

it("finds no token where there is none", () => {
  expect(takeToken("#/runs/mytoken=1/k")).toEqual({ rest: "#/runs/mytoken=1/k" });
});
