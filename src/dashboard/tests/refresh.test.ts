import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Poller, refresh } from "../src/refresh.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A page that is shown and hidden on command. */
function page() {
  const calls = new Set<() => void>();
  const around = {
    hidden: false,
    isHidden: () => around.hidden,
    onShown: (call: () => void) => {
      calls.add(call);
      return () => calls.delete(call);
    },
    show(isShown: boolean) {
      around.hidden = !isShown;
      for (const call of calls) call();
    },
    calls,
  };
  return around;
}

it("asks again and again, and tells the answers", async () => {
  let n = 0;
  const taken: number[] = [];
  const poller = new Poller(
    async () => (n += 1),
    (answer) => taken.push(answer),
    1000,
    page(),
  );
  await vi.advanceTimersByTimeAsync(3500);
  expect(taken).toEqual([1, 2, 3, 4]);
  expect(poller.answered.value).toBeGreaterThan(0);
  poller.stop();
  await vi.advanceTimersByTimeAsync(5000);
  expect(n).toBe(4);
});

it("does not ask while nobody can see it, and at once when somebody can", async () => {
  const around = page();
  const ask = vi.fn(async () => 1);
  const poller = new Poller(ask, () => {}, 1000, around);
  await vi.advanceTimersByTimeAsync(1500);
  expect(ask).toHaveBeenCalledTimes(2);
  around.show(false);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(ask).toHaveBeenCalledTimes(2);
  around.show(true);
  expect(ask).toHaveBeenCalledTimes(3);
  poller.stop();
  expect(around.calls.size).toBe(0);
});

it("asks more rarely while that fails, and says why", async () => {
  let isDown = true;
  const ask = vi.fn(async () => {
    if (isDown) throw new Error("down");
  });
  const poller = new Poller(ask, () => {}, 1000, page());
  await vi.advanceTimersByTimeAsync(7500);
  expect(ask).toHaveBeenCalledTimes(3);
  expect(poller.error.value).toEqual(new Error("down"));
  isDown = false;
  await vi.advanceTimersByTimeAsync(8000);
  expect(poller.error.value).toBeUndefined();
  poller.stop();
});

it("asks one question at a time, and hears no answer after it was stopped", async () => {
  const asked: AbortSignal[] = [];
  const taken: unknown[] = [];
  let answer: (value: number) => void = () => {};
  const poller = new Poller(
    (signal) => {
      asked.push(signal);
      return new Promise<number>((resolve) => (answer = resolve));
    },
    (value) => taken.push(value),
    1000,
    page(),
  );
  void poller.now();
  expect(asked).toHaveLength(1);
  poller.stop();
  expect(asked[0]!.aborted).toBe(true);
  answer(1);
  await vi.advanceTimersByTimeAsync(5000);
  expect(taken).toEqual([]);
});

it("asks anew when something was done, and does not take an answer from before", async () => {
  const answers: ((answer: string) => void)[] = [];
  const taken: string[] = [];
  const poller = new Poller(
    () => new Promise<string>((resolve) => answers.push(resolve)),
    (answer) => taken.push(answer),
    1000,
    page(),
  );
  refresh();
  answers[0]!("before");
  answers[1]!("after");
  await vi.advanceTimersByTimeAsync(1);
  expect(taken).toEqual(["after"]);
  await vi.advanceTimersByTimeAsync(1000);
  expect(answers).toHaveLength(3);
  poller.stop();
  refresh();
  expect(answers).toHaveLength(3);
});
