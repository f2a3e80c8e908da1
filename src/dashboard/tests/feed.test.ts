import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Api } from "../src/api.js";
import { BOUNDS } from "../src/chunks.js";
import { Feed } from "../src/viewer/feed.js";
import { FakeServer } from "./support/server.js";

let server: FakeServer;
let feeds: Feed[];

beforeEach(() => {
  server = new FakeServer();
  server.install();
  feeds = [];
});

afterEach(() => {
  for (const feed of feeds) feed.stop();
  vi.unstubAllGlobals();
});

function open(start?: number): Feed {
  const feed = new Feed(new Api("http://server.test", "key"), "run_1", "out", start);
  feeds.push(feed);
  return feed;
}

const held = (feed: Feed) => feed.chunks.slice(0, feed.chunks.length).map(({ index }) => index);
const texts = (feed: Feed) => feed.chunks.slice(0, feed.chunks.length).map(({ text }) => text);
// Long enough for a machine that is busy with other things; what does not come still says so.
const until = (check: () => void) => vi.waitFor(check, { timeout: 100_000, interval: 2 });
const numbers = (count: number) => Array.from({ length: count }, (_, n) => n);

it("holds what is there and what comes, until the end", async () => {
  server.append("one", { two: 2 });
  const feed = open();
  await until(() => expect(texts(feed)).toEqual(["one", '{"two":2}']));
  expect([feed.state.value, feed.transport.value]).toEqual(["live", "poll"]);
  server.append("three");
  await until(() => expect(feed.tail).toBe(3));
  server.close("failed", "why");
  await until(() => expect(feed.state.value).toBe("closed"));
  expect(feed.closed.value).toEqual({ status: "failed", error: "why" });
  expect([feed.gaps.count, feed.gaps.longest, feed.origin]).toEqual([2, 1000, 0]);
});

it("holds what was written, letter by letter, from whichever end it comes", async () => {
  const exact = '{"id":1610521604143693812,"x":1.0,"2":0,"1":0}';
  server.write(exact);
  server.write(`[ ${exact},\t1e2 ]`);
  server.write('"\\u0041\\n"');
  const feed = open(2);
  await until(() => expect(texts(feed)).toEqual(["A\n"]));
  await feed.earlier();
  expect(texts(feed)).toEqual([exact, `[ ${exact},\t1e2 ]`, "A\n"]);
});

it("holds what no longer counts, and tells it from what does", async () => {
  server.append("one", "two");
  const feed = open();
  await until(() => expect(feed.counts(1)).toBe(true));
  server.superseded = [[1, 2]];
  server.append("three");
  await until(() => expect(texts(feed)).toEqual(["one", "two", "three"]));
  expect([0, 1, 2].map((index) => feed.counts(index))).toEqual([true, false, true]);
});

it("stops reading when it is paused, and goes on where it was", async () => {
  server.append(...numbers(3));
  const feed = open();
  await until(() => expect(held(feed)).toEqual([0, 1, 2]));
  feed.pause();
  expect([feed.state.value, feed.isReading]).toEqual(["paused", false]);
  server.append(3, 4);
  const { length } = server.starts;
  feed.resume();
  await until(() => expect(held(feed)).toEqual([0, 1, 2, 3, 4]));
  expect(server.starts[length]).toBe(3);
});

it("begins at an index, and brings what is before when asked", async () => {
  server.append(...numbers(3000));
  const feed = open(2500);
  await until(() => expect(feed.chunks.length).toBe(500));
  expect(feed.hasEarlier).toBe(true);
  feed.find("24");
  await feed.earlier();
  await until(() => expect(feed.chunks.first!.index).toBe(1500));
  expect(held(feed)).toEqual(numbers(3000).slice(1500));
  expect(feed.search.value!.matches[0]).toBe(1524);
  await feed.earlier();
  await feed.earlier();
  expect([feed.chunks.length, feed.hasEarlier, feed.origin]).toEqual([3000, false, 0]);
});

it("brings earlier chunks also when a page has less than was asked for", async () => {
  server.append(...numbers(300));
  server.page = 70;
  const feed = open(290);
  await until(() => expect(feed.chunks.length).toBe(10));
  await feed.earlier();
  expect(held(feed)).toEqual(numbers(300));
});

it("says which chunks have expired, and does not ask for them again", async () => {
  server.append(...numbers(20));
  server.first = 8;
  const feed = open(2);
  await until(() => expect(held(feed)[0]).toBe(8));
  expect(feed.notice.value).toBe("Chunks before 8 have expired.");
  expect(feed.hasEarlier).toBe(false);
  const later = open(15);
  await until(() => expect(held(later)).toHaveLength(5));
  await later.earlier();
  expect(held(later)[0]).toBe(8);
  expect(later.hasEarlier).toBe(false);
});

it("forgets what it held when it jumps", async () => {
  server.append(...numbers(100));
  const feed = open();
  await until(() => expect(feed.chunks.length).toBe(100));
  feed.jump(90);
  await until(() => expect(held(feed)).toEqual(numbers(100).slice(90)));
  feed.jump(50);
  feed.jump(95);
  await until(() => expect(held(feed)).toEqual(numbers(100).slice(95)));
  expect(feed.rates.bars(99_000).reduce((sum, bar) => sum + bar)).toBe(5);
});

it("begins anew with a stream that took the place of the one before", async () => {
  server.append("old 0", "old 1");
  const feed = open();
  await until(() => expect(feed.chunks.length).toBe(2));
  server.begin("new 0", "new 1", "new 2");
  await until(() => expect(texts(feed)).toEqual(["new 0", "new 1", "new 2"]));
  expect(feed.notice.value).toMatch(/begun anew/);
});

it("lets go of the first chunks while it follows", async () => {
  server.values = numbers(BOUNDS.chunks);
  const feed = open();
  await until(() => expect(feed.chunks.length).toBe(BOUNDS.chunks));
  server.append("one too many");
  await until(() => expect(feed.chunks.dropped).toBeGreaterThan(0));
  expect(feed.chunks.last!.index).toBe(BOUNDS.chunks);
  expect([feed.state.value, feed.hasEarlier]).toEqual(["live", true]);
});

it("stops reading rather than let go of what one looks at", async () => {
  server.values = numbers(BOUNDS.chunks);
  const feed = open();
  feed.isFollowing = false;
  await until(() => expect(feed.chunks.length).toBe(BOUNDS.chunks));
  expect(feed.state.value).toBe("live");
  server.append("one too many");
  await until(() => expect(feed.state.value).toBe("full"));
  expect([feed.chunks.dropped, feed.chunks.first!.index]).toEqual([0, 0]);
  feed.jump(BOUNDS.chunks);
  await until(() => expect(texts(feed)).toEqual(["one too many"]));
});

it("tries again while the server has trouble, and says so", async () => {
  server.append("a");
  const feed = open();
  await until(() => expect(feed.chunks.length).toBe(1));
  server.status = 503;
  server.append("b");
  await until(() => expect(feed.state.value).toBe("retrying"));
  expect(feed.error.value).toMatchObject({ status: 503 });
  server.status = 0;
  await until(() => expect(feed.state.value).toBe("live"));
  expect([held(feed), feed.error.value]).toEqual([[0, 1], undefined]);
});

it("ends when it is refused, and may be told to go on", async () => {
  server.append("a");
  server.status = 403;
  const feed = open();
  await until(() => expect(feed.state.value).toBe("failed"));
  expect(feed.error.value).toMatchObject({ status: 403 });
  server.status = 0;
  feed.resume();
  await until(() => expect(feed.chunks.length).toBe(1));
});
