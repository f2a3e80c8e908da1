/** A chat is heard over a network that fails, from a server that is killed. */
import { durableStreamConnection } from "@durable-streams/tanstack-ai-transport";
import { expect, test } from "vitest";

const count = Number(process.env.COUNT);
const connection = durableStreamConnection({
  sendUrl: "/api/chat",
  readUrl: `${process.env.SERVED}/v1/stream/run_1/values`,
  headers: { authorization: `Bearer ${process.env.SECRET}` },
  initialOffset: "-1",
});

test("a subscriber who comes back has every delta once and in order", async () => {
  let said = "";
  let isOver = false;
  // The transport does not come back by itself; it knows how far it was.
  while (!isOver) {
    try {
      for await (const chunk of connection.subscribe()) {
        said += chunk.delta ?? "";
        if ((isOver = chunk.type === "TEXT_MESSAGE_END")) break;
      }
    } catch {
      // It is asked again.
    }
  }
  expect(said).toBe(Array.from({ length: count }, (_, at) => `${at} `).join(""));
});
