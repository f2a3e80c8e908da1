import { describe, expect, it } from "vitest";
import { answerOf } from "../src/answers.js";
import { EventDecoder } from "../src/events.js";

const TEXT = [
  'event: batch\nid: 0\ndata: {"a":1}\n\n',
  ": a comment\n\n",
  "event:ping\r\ndata:two\r\ndata: lines\r\n\r\n",
  "data: ünï 🎈\n\n",
  "event: without data\n\n",
  "data: [DONE]\n\n",
].join("");

const EVENTS = [
  { name: "batch", data: '{"a":1}' },
  { name: "ping", data: "two\nlines" },
  { name: "", data: "ünï 🎈" },
  { name: "", data: "[DONE]" },
];

describe("the event decoder", () => {
  it.each([1, 2, 3, 7, 1000])("makes the same events of pieces of %i characters", (size) => {
    const decoder = new EventDecoder();
    const events = [];
    for (let at = 0; at < TEXT.length; at += size) {
      events.push(...decoder.decode(TEXT.slice(at, at + size)));
    }
    expect(events).toEqual(EVENTS);
  });

  it("drops an event that was torn off", () => {
    expect(new EventDecoder().decode("data: whole\n\ndata: torn\n")).toEqual([
      { name: "", data: "whole" },
    ]);
  });

  it("keeps colons and spaces of a value", () => {
    expect(new EventDecoder().decode("data:  a: b \n\n")[0]!.data).toBe(" a: b ");
  });
});

describe("an answer", () => {
  it("is made of a batch", () => {
    const body = JSON.stringify({ data: { text: "x" }, id: "g-6" });
    const records = [{ seq_num: 6, timestamp: 17, body }];
    const data = JSON.stringify({ records, tail: { seq_num: 9, timestamp: 17 } });
    expect(answerOf({ name: "batch", data })).toEqual({
      chunks: [{ index: 6, data: { text: "x" }, id: "g-6", timestamp: 17 }],
      tail: 9,
    });
  });

  it("is not made of a ping, which anything in between may have kept", () => {
    const data = JSON.stringify({ timestamp: 17, tail: { seq_num: 4, timestamp: 17 } });
    expect(answerOf({ name: "ping", data })).toBeUndefined();
  });

  it("is not made of events that are not known", () => {
    expect(answerOf({ name: "news", data: "whatever" })).toBeUndefined();
  });
});
