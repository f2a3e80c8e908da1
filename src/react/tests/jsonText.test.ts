import { describe, expect, it } from "vitest";
import { pageOf } from "../src/answers.js";
import { membersOf } from "../src/jsonText.js";

const EXACT = '{"id":1610521604143693812,"x":1.0,"2":0,"1":0}';

describe("the members of a value", () => {
  it("have the text that was written, in its order", () => {
    expect(membersOf(EXACT)).toEqual([
      ["id", "1610521604143693812"],
      ["x", "1.0"],
      ["2", "0"],
      ["1", "0"],
    ]);
  });

  it.each([
    ['[1e2 , "a,\\"]}" ,[ {"b":[]} ],{}]', ["1e2", '"a,\\"]}"', '[ {"b":[]} ]', "{}"]],
    ['["\\\\","\\\\\\"",""]', ['"\\\\"', '"\\\\\\""', '""']],
    [' {"a" :\t1}'.trim(), ["1"]],
    ['{"a":1,"a":2}', ["1", "2"]],
    ["[ ]", []],
    ["{}", []],
    ['"text"', []],
    ["12", []],
  ])("are found in %s", (text, expected) => {
    expect(membersOf(text).map(([, member]) => member)).toEqual(expected);
  });

  it("are named as they are meant", () => {
    const text = '{"a\\"b:":1,"\\u00fc":2,"__proto__":3,"":4}';
    expect(membersOf(text).map(([name]) => name)).toEqual(['a"b:', "ü", "__proto__", ""]);
  });

  it("are those that JSON.parse finds, whatever they are", () => {
    const value = {
      s: '\\"{[,:]}\\',
      list: [[], {}, [null, -1.5e-7]],
      deep: { deep: { "]": "[" } },
    };
    for (const text of [JSON.stringify(value), JSON.stringify(value, null, "\t")]) {
      const found = membersOf(text).map(([name, member]) => [name, JSON.parse(member)]);
      expect(Object.fromEntries(found)).toEqual(value);
    }
  });

  it("are found in long texts", () => {
    const long = JSON.stringify('\\"'.repeat(500_000));
    expect(membersOf(`[${long},${long}]`).map(([, text]) => text === long)).toEqual([true, true]);
  });
});

describe("a page", () => {
  const chunk = (data: string) => `{"index":0,"data":${data},"id":"g-0","timestamp":1}`;
  const pageWith = (...texts: string[]) =>
    `{"chunks":[${texts.map(chunk)}],"tail":1,"closed":null}`;

  it("may have the chunks' own texts for their data", () => {
    const texts = [EXACT, '"data"', '{"data":{"data":1}}', "null"];
    const { chunks, tail } = pageOf(pageWith(...texts), true);
    expect(chunks.map(({ data }) => data)).toEqual(texts);
    expect([chunks[1]!.id, tail]).toEqual(["g-0", 1]);
  });

  it("has what JSON.parse makes of them, unless asked", () => {
    expect(pageOf(pageWith("1.0", "{}"), false).chunks.map(({ data }) => data)).toEqual([1, {}]);
  });
});
