import { describe, expect, it } from "vitest";
import { Gaps } from "../src/gaps.js";
import { Rates, WINDOW } from "../src/rates.js";

describe("gaps", () => {
  it("are exact while they are short", () => {
    const gaps = new Gaps();
    for (let ms = 1; ms <= 60; ms += 1) gaps.add(ms);
    expect([gaps.quantile(0), gaps.quantile(0.5), gaps.quantile(0.95), gaps.quantile(1)]).toEqual([
      1, 30, 57, 60,
    ]);
    expect(gaps.longest).toBe(60);
  });

  it("are within two percent when they are long", () => {
    for (const ms of [64, 65, 127, 128, 1000, 12_345, 3_600_000, 2e9]) {
      const gaps = new Gaps();
      gaps.add(ms);
      gaps.add(ms * 2);
      expect(Math.abs(gaps.quantile(0.5)! / ms - 1)).toBeLessThan(0.02);
      expect(gaps.longest).toBe(ms * 2);
    }
  });

  it("have no quantile before there is one, and no clock that goes back", () => {
    const gaps = new Gaps();
    expect(gaps.quantile(0.5)).toBeUndefined();
    gaps.add(-5);
    expect([gaps.quantile(1), gaps.longest]).toEqual([0, 0]);
  });
});

describe("rates", () => {
  it("count the chunks of each second", () => {
    const rates = new Rates();
    for (const ms of [1000, 1999, 3000]) rates.add(ms);
    expect(rates.bars(3999).slice(-3)).toEqual([2, 0, 1]);
    expect(rates.bars(3999)).toHaveLength(WINDOW);
  });

  it("are a mean over the last whole seconds", () => {
    const rates = new Rates();
    for (let n = 0; n < 50; n += 1) rates.add(10_000 + n * 100);
    expect(rates.rate(15_000)).toBe(10);
    expect(rates.rate(17_000)).toBe(6);
    expect(rates.rate(60_000)).toBe(0);
  });

  it("forget what is older than a minute, also when it comes late", () => {
    const rates = new Rates();
    rates.add(1000);
    rates.add(500_000);
    rates.add(2000);
    expect(rates.bars(2000).slice(-2)).toEqual([0, 0]);
    expect(rates.bars(500_000).at(-1)).toBe(1);
  });
});
