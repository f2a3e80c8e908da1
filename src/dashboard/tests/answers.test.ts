import { describe, expect, it } from "vitest";
import { Answer, type Manner } from "../src/answers/answer.js";
import { valueAt } from "../src/answers/path.js";
import { keep } from "../src/chunks.js";

const AS_KNOWN: Manner = { isByLine: false, path: "" };

/** What *values* say, as `kind name: text`, text without its kind. */
function said(values: unknown[], manner = AS_KNOWN): string[] {
  const answer = new Answer(manner);
  values.forEach((value, index) => {
    const chunk = keep({ index, data: JSON.stringify(value), timestamp: 0 });
    answer.take(chunk, (segment, added) => (segment.text += added));
  });
  return answer.segments.map(({ kind, name, text }) =>
    kind === "text" ? text : `${kind} ${name}: ${text}`,
  );
}

const completion = (delta: object) => ({
  id: "1",
  object: "chat.completion.chunk",
  choices: [{ index: 0, delta }],
});
const call = (index: number, fn: object, id = "call") =>
  completion({ tool_calls: [{ index, id, function: fn }] });
const block = (index: number, content_block: object) => ({
  type: "content_block_start",
  index,
  content_block,
});
const delta = (index: number, delta: object) => ({ type: "content_block_delta", index, delta });

const THE_SAME = ["reasoning Reasoning: Hm.", "To be", 'tool weather: {"city":1}'];

describe("an answer", () => {
  it("is assembled out of OpenAI's Chat Completions", () => {
    const events = [
      completion({ role: "assistant", content: "" }),
      completion({ reasoning_content: "Hm" }),
      completion({ reasoning_content: "." }),
      completion({ content: "To" }),
      completion({ content: " be" }),
      call(0, { name: "weather", arguments: "" }),
      call(0, { arguments: '{"city":1}' }),
      { ...completion({}), choices: [] },
    ];
    expect(said(events)).toEqual(THE_SAME);
  });

  it("is assembled out of OpenAI's Responses", () => {
    const events = [
      { type: "response.created", response: {} },
      { type: "response.reasoning_summary_text.delta", item_id: "r", delta: "Hm." },
      { type: "response.output_text.delta", item_id: "m", delta: "To" },
      { type: "response.output_text.delta", item_id: "m", delta: " be" },
      { type: "response.output_text.done", item_id: "m", text: "To be" },
      {
        type: "response.output_item.added",
        item: { id: "f", type: "function_call", name: "weather" },
      },
      { type: "response.function_call_arguments.delta", item_id: "f", delta: '{"city":1}' },
      { type: "response.completed", response: {} },
    ];
    expect(said(events)).toEqual(THE_SAME);
    const item = { id: "c", type: "custom_tool_call", name: "code" };
    const custom = [
      { type: "response.output_item.added", item },
      { type: "response.custom_tool_call_input.delta", item_id: "c", delta: "print()" },
    ];
    expect(said(custom)).toEqual(["tool code: print()"]);
    const failed = { type: "response.failed", response: { error: { message: "no" } } };
    expect(said([failed])).toEqual(["error Error: no"]);
  });

  it("is assembled out of Anthropic's Messages, one after another", () => {
    const events = [
      { type: "message_start", message: {} },
      { type: "ping" },
      block(0, { type: "thinking", thinking: "" }),
      delta(0, { type: "thinking_delta", thinking: "Hm." }),
      delta(0, { type: "signature_delta", signature: "x" }),
      block(1, { type: "text", text: "" }),
      delta(1, { type: "text_delta", text: "To" }),
      delta(1, { type: "text_delta", text: " be" }),
      block(2, { type: "tool_use", name: "weather" }),
      delta(2, { type: "input_json_delta", partial_json: '{"city":1}' }),
      { type: "content_block_stop", index: 2 },
      { type: "message_stop" },
    ];
    expect(said(events)).toEqual(THE_SAME);
    expect(said([...events, ...events])).toEqual([...THE_SAME, ...THE_SAME]);
    expect(said([{ type: "error", error: { message: "no" } }])).toEqual(["error Error: no"]);
  });

  it("is assembled out of Bedrock's ConverseStream, as Strands Agents wrap it, too", () => {
    const delta = (contentBlockIndex: number, delta: object) => ({
      contentBlockDelta: { contentBlockIndex, delta },
    });
    const start = { toolUse: { toolUseId: "t", name: "weather" } };
    const events = [
      { messageStart: { role: "assistant" } },
      delta(0, { reasoningContent: { text: "Hm." } }),
      { contentBlockStop: { contentBlockIndex: 0 } },
      delta(1, { text: "To" }),
      delta(1, { text: " be" }),
      { contentBlockStart: { contentBlockIndex: 2, start } },
      delta(2, { toolUse: { input: '{"city":1}' } }),
      { messageStop: { stopReason: "tool_use" } },
      { metadata: { usage: {}, metrics: {} } },
    ];
    expect(said(events)).toEqual(THE_SAME);
    expect(said([...events, ...events].map((event) => ({ event })))).toEqual([
      ...THE_SAME,
      ...THE_SAME,
    ]);
  });

  it("has the blocks of ConverseStream apart that have no numbers", () => {
    const begin = (name: string) => ({ contentBlockStart: { start: { toolUse: { name } } } });
    const input = (input: string) => ({ contentBlockDelta: { delta: { toolUse: { input } } } });
    const stop = { contentBlockStop: {} };
    const calls = [begin("one"), input("1"), input("1"), stop, begin("two"), input("2"), stop];
    expect(said([{ messageStart: {} }, ...calls])).toEqual(["tool one: 11", "tool two: 2"]);
  });

  it("is assembled out of the AI SDK's chunks", () => {
    const events = [
      { type: "start" },
      { type: "start-step" },
      { type: "reasoning-start", id: "0" },
      { type: "reasoning-delta", id: "0", delta: "Hm." },
      { type: "text-delta", id: "1", delta: "To" },
      { type: "text-delta", id: "1", delta: " be" },
      { type: "tool-input-start", toolCallId: "c", toolName: "weather" },
      { type: "tool-input-delta", toolCallId: "c", inputTextDelta: '{"city":1}' },
      { type: "tool-input-available", toolCallId: "c", input: { city: 1 } },
      { type: "finish" },
    ];
    expect(said(events)).toEqual(THE_SAME);
    const output = { type: "tool-output-available", toolCallId: "c", output: { warm: true } };
    expect(said([...events, output]).pop()).toBe('tool weather: {"city":1}\n→ {"warm":true}');
    expect(said([{ type: "error", errorText: "no" }])).toEqual(["error Error: no"]);
  });

  it("is assembled out of AG-UI's events", () => {
    const events = [
      { type: "RUN_STARTED" },
      { type: "REASONING_MESSAGE_CONTENT", messageId: "r", delta: "Hm." },
      { type: "TEXT_MESSAGE_START", messageId: "m" },
      { type: "TEXT_MESSAGE_CONTENT", messageId: "m", delta: "To" },
      { type: "TEXT_MESSAGE_CONTENT", messageId: "m", delta: " be" },
      { type: "TOOL_CALL_START", toolCallId: "c", toolCallName: "weather" },
      { type: "TOOL_CALL_ARGS", toolCallId: "c", delta: '{"city":1}' },
      { type: "TOOL_CALL_END", toolCallId: "c" },
      { type: "STATE_DELTA", delta: [] },
      { type: "RUN_FINISHED" },
    ];
    expect(said(events)).toEqual(THE_SAME);
    expect(said([{ type: "RUN_ERROR", message: "no" }])).toEqual(["error Error: no"]);
  });

  it("has calls side by side apart", () => {
    const calls = [
      call(0, { name: "one", arguments: "1" }),
      call(1, { name: "two", arguments: "2" }),
    ];
    expect(said([...calls, call(0, { arguments: "1" })])).toEqual(["tool one: 11", "tool two: 2"]);
  });

  it("has calls apart that are not counted", () => {
    const calls = [
      call(0, { name: "one", arguments: "1" }, "a"),
      call(0, { arguments: "1" }, ""),
      call(0, { name: "two", arguments: "2" }, "b"),
      call(0, { arguments: "2" }, ""),
    ];
    expect(said(calls)).toEqual(["tool one: 11", "tool two: 22"]);
  });

  it("leaves other chunks as they are", () => {
    const others = ["To", " be", { type: "of mine", n: 1 }, { text: "x" }, 7, ["a"]];
    expect(said([{ event: "x" }, { event: null }])).toEqual(['{"event":"x"}\n{"event":null}\n']);
    expect(said(others)).toEqual(['To be\n{"type":"of mine","n":1}\n{"text":"x"}\n7\n["a"]\n']);
    expect(said([null, { type: 1 }, { object: [] }])).toEqual([
      'null\n{"type":1}\n{"object":[]}\n',
    ]);
  });

  it("leaves out nothing that only looks like an event", () => {
    const own = [
      { type: "done", answer: 42 },
      { type: "start", job: "x" },
      { type: "data-weather", data: {} },
      { metadata: { author: "me" } },
      { messageStart: {}, also: 1 },
      { message: "hello" },
      { event: { name: "click" } },
    ];
    const lines = own.map((value) => `${JSON.stringify(value)}\n`);
    expect(said(own)).toEqual([lines.join("")]);
  });

  it("does not stumble over events that are not as they should be", () => {
    const odd = [
      { object: "chat.completion.chunk" },
      { object: "chat.completion.chunk", choices: [{ delta: { tool_calls: [{}] } }] },
      { type: "content_block_delta" },
      { type: "response.failed" },
      { type: "text-delta", delta: { not: "text" } },
      { type: "error" },
    ];
    expect(() => said(odd)).not.toThrow();
    expect(said(odd)).toContain('{"not":"text"}');
  });

  it("shows as it is what calls itself an event and cannot be read as one", () => {
    for (const tool_calls of [{}, [null], 7]) {
      const chunk = completion({ tool_calls });
      expect(said(["To", chunk, " be"])).toEqual([`To\n${JSON.stringify(chunk)}\n be`]);
    }
  });

  it("is as it was written, line by line", () => {
    const event = { type: "text-delta", id: "1", delta: "To" };
    const lines = `${JSON.stringify(event)}\na\n`;
    expect(said([event, "a"], { isByLine: true, path: "" })).toEqual([lines]);
  });

  it("is what stands at a path", () => {
    const values = [{ a: [{ b: "To" }] }, { a: [{ b: " be" }] }, { a: [] }, "x", { a: [{ b: 1 }] }];
    expect(said(values, { isByLine: false, path: "$.a[0].b" })).toEqual(["To be1"]);
  });
});

describe("a path", () => {
  it("leads through objects and lists, and nowhere else", () => {
    const value = { a: [{ "b-c": 1 }, 2] };
    expect(valueAt(value, "a[0].b-c")).toBe(1);
    expect(valueAt(value, "a.1")).toBe(2);
    expect(valueAt(value, "")).toBe(value);
    for (const path of ["a[2]", "b", "a.length.x", "constructor", "a[0].b-c.d"]) {
      expect(valueAt(value, path)).toBeUndefined();
    }
  });
});
