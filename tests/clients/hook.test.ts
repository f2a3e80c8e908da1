/** `useRealtimeStream` and `useInputStreamSend`, in jsdom or in Chromium. */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import type { Props, State } from "./hook/page.js";
import { auth, isOld, streams } from "./support/client.js";
import { baseURL, close, network, newRun, range, sleep, stored, ticking, ticks, until } from "./support/lab.js";
import { type Browser, browser, jsdom, type Page } from "./support/pages.js";
import { ReadableStream } from "./support/readable.js";

const PLACE = process.env.PLACE!;
const isPatient = process.env.PATIENT === "1";

let place: Browser;

/** A mounted hook. */
class Hook {
  static async mount(run: string, props: Partial<Props> = {}, options: object = {}): Promise<Hook> {
    const scopes = { read: { runs: run }, write: { inputStreams: run } } as object;
    const accessToken = await auth.createPublicToken({ scopes });
    const page = await place.open();
    const given = { baseURL, accessToken, ...options };
    await page.call("mount", run, { run, name: "out", ...props, options: given });
    return new Hook(page, run);
  }

  private constructor(
    readonly page: Page,
    readonly run: string,
  ) {}

  state = (): Promise<State> => this.page.call("state", this.run);

  async has(count: number): Promise<State> {
    await until(async () => (await this.state()).parts.length >= count);
    return this.state();
  }

  async failed(): Promise<string> {
    await until(async () => (await this.state()).error);
    return (await this.state()).error!;
  }
}

const requests = (run: string) => network.seen("GET", `/${run}/`);

const write = (run: string, key: string, chunks: unknown[]) =>
  streams.pipe(key, ReadableStream.from(chunks), { target: run }).waitUntilComplete();

describe(`the hook of ${process.env.CLIENT} in ${PLACE}`, { concurrency: 4, timeout: 90_000 }, () => {
  before(async () => {
    place = await (PLACE === "jsdom" ? jsdom() : browser());
  });
  after(() => place.close());

  it("shows parts as they come, and calls onData with each", async () => {
    const run = newRun();
    const hook = await Hook.mount(run);
    async function* inStep() {
      for (const n of range(10)) {
        yield `chunk ${n}`;
        await hook.has(n + 1);
      }
    }
    await streams.pipe("out", inStep(), { target: run }).waitUntilComplete();
    await close(run, "out");
    const { parts, data, error } = await hook.state();
    assert.deepEqual([parts, data, error], [ticks(10), ticks(10), undefined]);
    assert.equal((await requests(run)).length, 1);
  });

  it("begins at an index", async () => {
    const run = newRun();
    await write(run, "out", range(6));
    const hook = await Hook.mount(run, {}, { startIndex: 3 });
    assert.deepEqual((await hook.has(3)).parts, [3, 4, 5]);
    await close(run, "out");
  });

  it("reads the default stream, and a defined one", async () => {
    const run = newRun();
    await Promise.all([write(run, "default", ["default"]), write(run, "mine", ["defined"])]);
    const keyless = await Hook.mount(run, { kind: "keyless" });
    assert.deepEqual((await keyless.has(1)).parts, ["default"]);
    const defined = await Hook.mount(run, { kind: "defined", name: "mine" });
    assert.deepEqual((await defined.has(1)).parts, ["defined"]);
    await Promise.all([close(run), close(run, "mine")]);
  });

  it("is throttled as it is told to be, and loses nothing", async () => {
    const run = newRun();
    const hook = await Hook.mount(run, {}, { throttleInMs: 400 });
    await streams.pipe("out", ticking(100, 10), { target: run }).waitUntilComplete();
    await close(run, "out");
    const { parts, changes, data } = await hook.has(100);
    assert.deepEqual([parts, data], [ticks(100), ticks(100)]);
    assert.ok(changes < 20, `${changes} changes`);
  });

  it("stops when it is told to", async () => {
    const run = newRun();
    const hook = await Hook.mount(run);
    await streams.append("out", "before", { target: run });
    await hook.has(1);
    await hook.page.call("stop", run);
    await streams.append("out", "after", { target: run });
    await sleep(300);
    const { parts, error } = await hook.state();
    assert.deepEqual([parts, error], [["before"], undefined]);
    assert.equal((await requests(run)).length, 1);
  });

  it("ends quietly after silence", async () => {
    const run = newRun();
    await write(run, "out", ["only"]);
    const hook = await Hook.mount(run, {}, { timeoutInSeconds: 1 });
    await hook.has(1);
    await sleep(1_500);
    await streams.append("out", "late", { target: run });
    await sleep(200);
    const { parts, error } = await hook.state();
    assert.deepEqual([parts, error], [["only"], undefined]);
    const [request] = await requests(run);
    assert.equal(request!.headers["timeout-seconds"], "1");
  });

  it("goes on where it was when its connection is reset", async () => {
    const run = newRun();
    for (const response_bytes of [1_000, 2_000]) {
      await network.fail({ method: "GET", path: `${run}/out$`, response_bytes });
    }
    const hook = await Hook.mount(run);
    await streams.pipe("out", ticking(150, 10), { target: run }).waitUntilComplete();
    const { parts, data, error } = await hook.has(150);
    assert.deepEqual([parts, data, error], [ticks(150), ticks(150), undefined]);
    assert.equal((await requests(run)).length, 3);
    await close(run, "out");
  });

  it("waits for a run that nobody has heard of yet", async () => {
    const run = newRun();
    const hook = await Hook.mount(run);
    await until(async () => (await requests(run)).some(({ status }) => status === 200));
    assert.equal((await hook.state()).error, undefined);
    await streams.append("out", "at last", { target: run });
    assert.deepEqual((await hook.has(1)).parts, ["at last"]);
    await close(run, "out");
  });

  for (const [status, key, scopes] of [
    [401, "out", undefined],
    [403, "out", { read: { runs: "run_of_another" } }],
    [404, "no/such/route", { read: { runs: true } }],
  ] as const) {
    // The older client asks five times more, within 31 seconds, before it gives up.
    it(`shows a ${status} as an error and asks no more`, { skip: isOld && !isPatient }, async () => {
      const run = newRun();
      const accessToken = scopes ? await auth.createPublicToken({ scopes: scopes as never }) : "wrong";
      const hook = await Hook.mount(run, { name: key }, { accessToken });
      assert.match(await hook.failed(), new RegExp(`${status}`));
      const asked = (await requests(run)).length;
      assert.equal(asked, isOld ? 6 : 1);
      await sleep(1_000);
      assert.equal((await requests(run)).length, asked);
    });
  }

  it("shows what the sample shows", async () => {
    const run = newRun();
    const hook = await Hook.mount(run, { kind: "sample" });
    await write(run, "stream", ["Hello", ", ", "world"]);
    await until(async () => (await hook.page.call("text", run))?.includes("world"));
    assert.equal(await hook.page.call("text", run), `Run: ${run}Hello, world`);
    assert.deepEqual((await hook.state()).data, ["Hello", ", ", "world"]);
    await close(run, "stream");
  });

  it("sends into a run", async () => {
    const run = newRun();
    const hook = await Hook.mount(run, { kind: "input", name: "approval" });
    await hook.page.call("send", run, { approved: true });
    await until(async () => (await stored(run, "$trigger.input:approval")).length);
    assert.deepEqual(await stored(run, "$trigger.input:approval"), ['{"approved":true}']);
  });

  it("sends no header that a preflight was not told of", { skip: PLACE === "jsdom" }, async () => {
    const run = newRun();
    const hook = await Hook.mount(run, {}, { startIndex: 1, timeoutInSeconds: 30 });
    await write(run, "out", [0, 1]);
    await hook.has(1);
    await close(run, "out");
    const [preflight] = await network.seen("OPTIONS", `/${run}/`);
    assert.deepEqual(preflight!.headers["access-control-request-headers"]!.split(",").sort(), [
      "authorization",
      "content-type",
      "last-event-id",
      "timeout-seconds",
      "trigger-version",
      "x-trigger-api-version",
      "x-trigger-client",
      "x-trigger-realtime-streams-version",
      "x-trigger-source",
    ]);
    assert.notEqual(preflight!.headers.origin, baseURL);
  });
});
