import type { UIMessageChunk } from "ai";
import { expect, it } from "vitest";
import { merged } from "../src/merging.js";

const text = (id: string, delta: string): UIMessageChunk => ({ type: "text-delta", id, delta });
const input = (toolCallId: string, inputTextDelta: string): UIMessageChunk => ({
  type: "tool-input-delta",
  toolCallId,
  inputTextDelta,
});

it("joins what adds to the same text, and nothing across anything else", () => {
  const end: UIMessageChunk = { type: "text-end", id: "b" };
  const data: UIMessageChunk = { type: "data-x", data: 1 };
  expect(
    merged([text("a", "1"), text("a", "2"), text("b", "3"), end, text("a", "4"), data, data]),
  ).toEqual([text("a", "12"), text("b", "3"), end, text("a", "4"), data, data]);
  expect(merged([input("x", "{"), input("x", "}"), input("y", "{")])).toEqual([
    input("x", "{}"),
    input("y", "{"),
  ]);
});

it("keeps what the latest of them says beside its text", () => {
  const said = { ...text("a", "2"), providerMetadata: { one: { two: 3 } } } as UIMessageChunk;
  expect(merged([text("a", "1"), said, text("a", "3")])).toEqual([{ ...said, delta: "123" }]);
});
