import { expect, it } from "vitest";
import { age, count, counted, duration, rate, size, visible, visibleLines } from "../src/format.js";

it.each([
  [0, "0 ms"],
  [999, "999 ms"],
  [1000, "1 s"],
  [1234, "1.23 s"],
  [9_994, "9.99 s"],
  [9_995, "10 s"],
  [12_340, "12.3 s"],
  [59_949, "59.9 s"],
  [59_950, "1 m"],
  [200_000, "3 m 20 s"],
  [3_600_000, "1 h"],
  [3_660_000, "1 h 1 m"],
  [442_800_000, "5 d 3 h"],
  [-1500, "−1.5 s"],
])("says %i milliseconds as %s", (ms, text) => expect(duration(ms)).toBe(text));

it.each([
  [0, "0 B"],
  [1023, "1023 B"],
  [1024, "1 KiB"],
  [1234, "1.2 KiB"],
  [150 * 1024, "150 KiB"],
  [64 * 2 ** 20, "64 MiB"],
  [5 * 2 ** 40, "5120 GiB"],
])("says %i bytes as %s", (bytes, text) => expect(size(bytes)).toBe(text));

it.each([
  [0, "now"],
  [-1400, "now"],
  [-40_000, "40 s ago"],
  [-3_599_000, "59 m ago"],
  [-90_000_000, "1 d ago"],
  [432_000_000, "in 5 d"],
])("says what is %i milliseconds from now as %s", (ms, text) => {
  expect(age(1e12 + ms, 1e12)).toBe(text);
});

it("counts in thousands, and one thing as one", () => {
  expect(count(1234567)).toBe("1,234,567");
  expect([counted(1, "chunk"), counted(0, "chunk")]).toEqual(["1 chunk", "0 chunks"]);
  expect([rate(0.44), rate(9.96), rate(1234.4)]).toEqual(["0.4", "10", "1,234"]);
});

it("shows what would move the cursor, or turn the direction of writing", () => {
  expect(visible("a\nb\tc\u0000\u001b\u007f")).toBe("a↵b⇥c␀␛[U+007F]");
  expect(visible("run_\u202egnp.exe\u2066\u200b")).toBe("run_[U+202E]gnp.exe[U+2066][U+200B]");
  expect(visible("مرحبا 👩‍💻 שלום")).toBe("مرحبا 👩‍💻 שלום");
  expect(visibleLines("one\n\ttwo\u202e")).toBe("one\n⇥two[U+202E]");
});
