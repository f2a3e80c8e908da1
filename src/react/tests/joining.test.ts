/** Readers that join a connection on which others are further. */

import { describe, expect, it, vi } from "vitest";
import { itemOf } from "../src/items.js";
import type { Member, RunHub } from "../src/runHub.js";
import { RunStore } from "../src/runStore.js";
import { SharedReader } from "../src/sharedReader.js";
import { range } from "./support/range.js";

/** What the connection brings of stream `a`: these chunks, and nothing else between *from* and them. */
function item(indexes: number[], from: number) {
  const chunks = indexes.map((index) => ({ index, data: index, id: `g-${index}`, timestamp: 1 }));
  const next_index = indexes.at(-1)! + 1;
  return itemOf(
    JSON.stringify({ key: "a", chunks, next_index, tail: next_index, closed: null }),
    from,
  );
}

/** That the index has expired which one of them has asked for: this is the oldest that is left. */
const expired = (first_index: number) =>
  itemOf(
    JSON.stringify({ key: "a", error: { code: "index_expired", message: "gone", first_index } }),
  );

function hub() {
  const changed = vi.fn();
  let member!: Member;
  const join = (joined: Member) => ((member = joined), () => {});
  const stub = { join, changed } as unknown as RunHub;
  return { stub, changed, member: () => member };
}

async function one() {
  const { stub, changed, member } = hub();
  const reader = new SharedReader<number>(stub, "run", "a", {});
  const pages = reader.pages();
  const first = pages.next();
  await vi.waitFor(() => expect(member()).toBeDefined());
  const numbers = async () => ((await first).value?.chunks ?? []).map(({ data }) => data);
  const end = () => (reader.stop(), pages.return(undefined));
  return { changed, member: member(), numbers, end };
}

function all() {
  const { stub, changed, member } = hub();
  const store = new RunStore<number>(() => stub, 0);
  const end = store.subscribe(() => {});
  const numbers = async () => {
    await vi.waitFor(() => expect(store.snapshot().streams.a).toBeDefined());
    return store.snapshot().streams.a!.parts;
  };
  return { changed, member: member(), numbers, end };
}

describe.each([
  ["the reader of one stream", one],
  ["the reader of a run", async () => all()],
])("%s", (_, begin) => {
  it("asks for what it has not had, and takes nothing before that", async () => {
    const { changed, member, numbers, end } = await begin();
    member.take([item([1, 2], 1)]);
    expect(changed).toHaveBeenCalledTimes(1);
    expect(member.wanted().streams).toEqual({ a: 0 });
    member.take([item([0, 1, 2], 0)]);
    expect(await numbers()).toEqual(range(3));
    await end();
  });

  it("begins with the oldest chunk that is left", async () => {
    const { changed, member, numbers, end } = await begin();
    member.take([item([5, 6], 0)]);
    expect(await numbers()).toEqual([5, 6]);
    expect(changed).not.toHaveBeenCalled();
    await end();
  });

  it("goes back to nothing that it has had when what another one wants has expired", async () => {
    const { changed, member, numbers, end } = await begin();
    member.take([item([0, 1, 2], 0)]);
    expect(await numbers()).toEqual(range(3));
    member.take([expired(2)]);
    expect(member.wanted().streams).toEqual({ a: 3 });
    member.take([expired(7)]);
    expect(member.wanted().streams).toEqual({ a: 7 });
    expect(changed).toHaveBeenCalledTimes(2);
    await end();
  });

  it("goes back to the beginning of a stream that is begun anew", async () => {
    const { member, numbers, end } = await begin();
    member.take([item([0, 1, 2], 0)]);
    expect(await numbers()).toEqual(range(3));
    member.take([expired(0)]);
    expect(member.wanted().streams).toEqual({ a: 0 });
    await end();
  });
});

it("goes on at its index, not at the tail, when it began at the tail and is made anew", async () => {
  const { stub, member } = hub();
  const asked = vi.fn(async () => Response.json({ chunks: [], next_index: 9, tail: 9 }));
  const reader = new SharedReader(stub, "run", "a", { from: "tail", startIndex: 3, fetch: asked });
  const pages = reader.pages();
  void pages.next();
  await vi.waitFor(() => expect(member()).toBeDefined());
  expect(member().wanted().streams).toEqual({ a: 3 });
  expect(asked).not.toHaveBeenCalled();
  reader.stop();
  await pages.return(undefined);
});

it("does not go on alone when it is stopped before it has begun", async () => {
  let fail = (_: unknown) => {};
  const asked = vi.fn(() => new Promise<Response>((_, reject) => (fail = reject)));
  const options = { from: "tail", fetch: asked, retries: 0 } as const;
  const reader = new SharedReader(hub().stub, "run", "a", options);
  const reading = reader.pages().next();
  await vi.waitFor(() => expect(asked).toHaveBeenCalledTimes(1));
  reader.stop();
  fail(new TypeError("fetch failed"));
  expect(await reading).toEqual({ done: true, value: undefined });
  expect(asked).toHaveBeenCalledTimes(1);
  expect(reader.status).toBe("waiting");
});
