import { describe, expect, it } from "vitest";
import { Chunks, keep } from "../src/chunks.js";
import { Query, Search } from "../src/search.js";
import { excerptOf, piecesOf } from "../src/viewer/tokens.js";

const kept = (...texts: unknown[]) =>
  texts.map((data, index) => keep({ index, data: JSON.stringify(data), timestamp: 0 }));

function chunksOf(...texts: unknown[]): Chunks {
  const chunks = new Chunks();
  chunks.append(kept(...texts));
  return chunks;
}

describe("a query", () => {
  it("means any case, unless it has a capital", () => {
    expect(new Query("err").isIn("An ERROR")).toBe(true);
    expect(new Query("Err").isIn("An ERROR")).toBe(false);
    expect(new Query("ERR").isIn("An ERROR")).toBe(true);
  });

  it("says where it is", () => {
    expect(new Query("aa").ranges("aaaa Aa")).toEqual([
      [0, 2],
      [2, 4],
      [5, 7],
    ]);
    expect(new Query("a").ranges("aaaa", 2)).toHaveLength(2);
    expect(new Query(".*(").ranges("x.*(y")).toEqual([[1, 4]]);
    expect(new Query("i").ranges("İi")).toEqual([]);
  });
});

describe("a search", () => {
  it("finds chunks by their texts, and goes round", () => {
    const search = new Search("b");
    expect(search.look(chunksOf("b", "a", { b: 1 }, "x", "B"))).toBe(true);
    expect(search.matches).toEqual([0, 2, 4]);
    expect([search.step(0, 1), search.step(1, 1), search.step(4, 1)]).toEqual([2, 2, 0]);
    expect([search.step(0, -1), search.step(3, -1), search.step(9, -1)]).toEqual([4, 2, 4]);
    expect(new Search("z").step(0, 1)).toBeUndefined();
  });

  it("goes on where it stopped, and looks at nothing twice", () => {
    const chunks = chunksOf(...Array.from({ length: 1000 }, (_, n) => (n % 2 ? "odd" : "even")));
    const search = new Search("odd");
    let looks = 0;
    while (!search.look(chunks, () => (looks += 1) % 2 === 0))
      expect(search.matches.length).toBeLessThan(500);
    expect(search.matches).toHaveLength(500);
    expect(looks).toBeGreaterThan(2);
    chunks.append([keep({ index: 1000, data: "odd", timestamp: 0 })]);
    search.look(chunks);
    expect(search.matches.at(-1)).toBe(1000);
  });

  it("follows what is let go, and what comes before", () => {
    const search = new Search("x");
    const chunks = new Chunks();
    chunks.append(kept("x", "x", "x", "x").slice(2));
    search.look(chunks);
    search.lookBefore(kept("x", "y"));
    expect(search.matches).toEqual([0, 2, 3]);
    search.forget(3);
    expect(search.matches).toEqual([3]);
  });
});

describe("a line", () => {
  const shown = (text: string, isJson: boolean, query?: string) =>
    piecesOf(text, isJson, query ? new Query(query) : undefined)
      .map(({ text, look, isMatch }) => `${look && `${look}:`}${isMatch ? `«${text}»` : text}`)
      .join("|");

  it("is cut into names, texts, numbers and words", () => {
    expect(shown('{"a":"b\\"","c":[-1.5e3,true,null]}', true)).toBe(
      '{|name:"a"|:|string:"b\\""|,|name:"c"|:|[|number:-1.5e3|,|word:true|,|word:null|]}',
    );
  });

  it("loses nothing, wherever it was cut off", () => {
    const text = '{"name":"va\\u0041lue","n":[1,-2e9,false],"x":{"y":"<b>"}}';
    for (let end = 0; end <= text.length; end += 1) {
      const cut = text.slice(0, end);
      expect(
        piecesOf(cut, true)
          .map(({ text }) => text)
          .join(""),
      ).toBe(cut);
      expect(
        piecesOf(cut, true, new Query("a"))
          .map(({ text }) => text)
          .join(""),
      ).toBe(cut);
    }
  });

  it("shows the beginning of a long text, or where it matches", () => {
    const text = `${"x".repeat(5000)}needle${"y".repeat(5000)}`;
    expect(excerptOf(text)).toMatchObject({ isBegin: true, isEnd: false });
    const { text: part, isBegin } = excerptOf(text, new Query("needle"));
    expect([part.indexOf("needle"), isBegin]).toEqual([24, false]);
    expect(excerptOf("a needle", new Query("needle"))).toMatchObject({
      isBegin: true,
      isEnd: true,
    });
    expect(excerptOf(text, new Query("z"))).toMatchObject({ isBegin: true });
  });

  it("marks matches, also across pieces", () => {
    expect(shown("one two one", false, "one")).toBe("«one»| two |«one»");
    expect(shown('{"a":1}', true, '":1')).toBe('{|name:"a|name:«"»|«:»|number:«1»|}');
  });
});
