import { describe, expect, it } from "vitest";
import type { RawChunk } from "../src/api.js";
import { keep } from "../src/chunks.js";
import { continued, fitting, refreshed } from "../src/listing.js";
import { download, fileName } from "../src/viewer/download.js";
import { linesOf, newFolds, SHOWN } from "../src/viewer/folding.js";
import { ROW, Rows } from "../src/viewer/rows.js";
import { BLOCK, blockEnd, joined, Joiner } from "../src/viewer/text.js";
import { runInfo } from "./support/told.js";

const kept = (...values: unknown[]) =>
  values.map((data, index) => keep({ index, data: JSON.stringify(data), timestamp: 0 }));

describe("rows", () => {
  const same = (index: number) => index;

  it("are of one height, but for open ones", () => {
    const rows = new Rows();
    expect(rows.top(1000, same)).toBe(1000 * ROW);
    expect(rows.measure(10, 124)).toBe(100);
    expect(rows.measure(10, 224)).toBe(100);
    rows.measure(20, 2 * ROW);
    expect([rows.top(10, same), rows.top(11, same), rows.top(21, same)]).toEqual([
      10 * ROW,
      11 * ROW + 200,
      22 * ROW + 200,
    ]);
    rows.close(10);
    expect(rows.top(21, same)).toBe(22 * ROW);
  });

  it("are found by their place", () => {
    const rows = new Rows();
    rows.measure(2, 10 * ROW);
    for (let position = 0; position < 30; position += 1) {
      const top = rows.top(position, same);
      expect(rows.at(top, 30, same)).toBe(position);
      expect(rows.at(top + ROW - 1, 30, same)).toBe(position);
    }
    expect(rows.at(11 * ROW, 30, same)).toBe(2);
    expect([rows.at(-50, 30, same), rows.at(1e9, 30, same), rows.at(0, 0, same)]).toEqual([
      0, 29, 0,
    ]);
  });

  it("that are not shown take no place", () => {
    const rows = new Rows();
    rows.measure(2, 10 * ROW);
    expect(rows.top(5, () => -1)).toBe(5 * ROW);
    rows.forget(3);
    expect(rows.isOpen(2)).toBe(false);
  });
});

describe("a value", () => {
  const lines = (value: unknown, folds = newFolds()) => linesOf(JSON.stringify(value), folds);
  const shown = (json: string, folds = newFolds()) =>
    linesOf(json, folds).map(({ depth, name, text, isFoldable, isOpen }) => {
      const mark = isFoldable ? (isOpen ? "-" : "+") : " ";
      return `${" ".repeat(depth)}${mark}${name ?? ""} ${text}`;
    });

  it("is shown line by line, small parts open", () => {
    expect(shown('{"a": 1, "b": [true, null], "c": { }, "d": "x\\n"}')).toEqual([
      "- {4}",
      "  a 1",
      " -b [2]",
      "   0 true",
      "   1 null",
      "  c {0}",
      '  d "x\\n"',
    ]);
    expect(shown('"text"')).toEqual(['  "text"']);
  });

  it("is shown as it was written, in its order", () => {
    const json = '{"id":1610521604143693812,"x":1.0,"2":-0,"1":1E400,"1":"\\u00fc"}';
    expect(shown(json)).toEqual([
      "- {5}",
      "  id 1610521604143693812",
      "  x 1.0",
      "  2 -0",
      "  1 1E400",
      '  1 "\\u00fc"',
    ]);
  });

  it("folds where one says so", () => {
    const folds = newFolds();
    folds.open.set("$/0", false);
    expect(shown('{"a":{"b":1}}', folds)).toEqual(["- {1}", " +a {1}"]);
    folds.open.set("$", false);
    expect(shown('{"a":{"b":1}}', folds)).toEqual(["+ {1}"]);
  });

  it("shows a long list in portions", () => {
    const folds = newFolds();
    const list = Array.from({ length: 1000 }, (_, n) => n);
    expect(lines(list, folds)).toHaveLength(SHOWN + 2);
    expect(lines(list, folds).at(-1)).toMatchObject({
      kind: "more",
      text: "900 more",
      path: "$",
    });
    folds.shown.set("$", 1000);
    expect(lines(list, folds)).toHaveLength(1001);
  });

  it("has paths that no name can forge", () => {
    const json = '{"a/b":1,"a":{"b":2},"a":{"b":3},"1":4,"1/0":5,"$":6}';
    const paths = linesOf(json, newFolds()).map(({ path }) => path);
    expect(new Set(paths).size).toBe(paths.length);
  });

  it("may be as deep as the server takes it", () => {
    let value: unknown = 1;
    for (let n = 0; n < 256; n += 1) value = [value];
    const folds = newFolds();
    for (let n = 0; n < 256; n += 1) folds.open.set(`$${"/0".repeat(n)}`, true);
    expect(lines(value, folds)).toHaveLength(257);
  });
});

describe("a text", () => {
  it("joins strings as they are, and puts other values on lines of their own", () => {
    expect(joined(kept("Hel", "lo", { a: 1 }, [2], "wor", "", "ld\n", null))).toBe(
      'Hello\n{"a":1}\n[2]\nworld\nnull\n',
    );
  });

  it("may give each chunk a line", () => {
    const joiner = new Joiner(true);
    expect(
      kept("one", "two\n", "", 3)
        .map((chunk) => joiner.join(chunk))
        .join(""),
    ).toBe("one\ntwo\n\n3\n");
  });

  it("is laid out in blocks that end with a line, or when they get too long", () => {
    expect(blockEnd("x\n")).toBeUndefined();
    expect(blockEnd("x".repeat(BLOCK))).toBeUndefined();
    expect(blockEnd(`one\n${"x".repeat(BLOCK)}`)).toBe(4);
    const long = "x".repeat(4 * BLOCK - 1);
    expect(blockEnd(`${long}x`)).toBe(4 * BLOCK);
    expect(blockEnd(`${long}\ud83c`)).toBe(4 * BLOCK - 1);
  });
});

describe("a download", () => {
  const stream: RawChunk[] = Array.from({ length: 25 }, (_, index) => ({
    index,
    data: index % 2 ? `{"n":1.0,"n":9${index}00000000000000000}` : `"t\\u0030${index}"`,
    id: "",
    timestamp: 0,
  }));
  const asked: number[] = [];
  const ask = async (start: number) => {
    asked.push(start);
    return stream.slice(start, start + 10);
  };
  const { signal } = new AbortController();

  it("has every chunk up to the tail, once", async () => {
    const shares: number[] = [];
    const blob = await download(ask, 0, 22, "jsonl", (share) => shares.push(share), signal);
    const lines = (await blob.text()).trimEnd().split("\n");
    expect(lines).toEqual(stream.slice(0, 22).map(({ data }) => data));
    expect(asked).toEqual([0, 10, 20]);
    expect(shares.at(-1)).toBe(1);
  });

  it("may be the text", async () => {
    const blob = await download(ask, 0, 4, "text", () => {}, signal);
    const [, one, , three] = stream;
    expect(await blob.text()).toBe(`t00\n${one!.data}\nt02\n${three!.data}\n`);
  });

  it("ends when one has enough", async () => {
    const control = new AbortController();
    const progress = () => control.abort();
    await expect(download(ask, 0, 25, "jsonl", progress, control.signal)).rejects.toThrow(/abort/i);
  });

  it("has a name that any file system takes", () => {
    expect(fileName("run_1", "../<a> b", "text")).toBe("run_1-.._a_b.txt");
    expect(fileName("r".repeat(500), "k", "jsonl").length).toBeLessThan(130);
  });
});

describe("the runs", () => {
  const run = (id: string, created: number, parent: string | null = null) =>
    runInfo(id, { created, parent });
  const ids = (runs: { id: string }[]) => runs.map(({ id }) => id).join(" ");

  it("stay in order when the newest are asked for again", () => {
    const known = [run("c", 30), run("b", 20), run("a", 10)];
    expect(ids(refreshed(known, [run("d", 40), run("c", 30)], false))).toBe("d c b a");
    expect(ids(refreshed(known, [run("d", 40), run("b", 20)], false))).toBe("d b a");
    expect(ids(refreshed(known, [run("x", 60), run("w", 50)], false))).toBe("x w");
    expect(ids(refreshed(known, [run("c", 30)], true))).toBe("c");
    expect(ids(refreshed(known, [], true))).toBe("");
  });

  it("go on with older ones, each once", () => {
    expect(ids(continued([run("c", 3), run("b", 2)], [run("b", 2), run("a", 1)]))).toBe("c b a");
  });

  it("are found by a part of their names, or of those they come from", () => {
    const runs = [run("run_One", 2), run("run_two", 1, "run_one")];
    expect(ids(fitting(runs, " ONE "))).toBe("run_One run_two");
    expect(ids(fitting(runs, "two"))).toBe("run_two");
    expect(ids(fitting(runs, ""))).toBe("run_One run_two");
  });
});
