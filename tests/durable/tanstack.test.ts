/** The official transport of TanStack AI, with its chats in streams of ours. */
import {
  durableStreamConnection,
  ensureDurableChatSessionStream,
  materializeSnapshotFromDurableStream,
  toDurableChatSessionResponse,
} from "@durable-streams/tanstack-ai-transport";
import { expect, test } from "vitest";

const url = `${process.env.SERVED}/v1/stream/run_1/chat`;
const headers = { authorization: `Bearer ${process.env.SECRET}` };

/** What stands in for a model. */
async function* answer() {
  yield { type: "TEXT_MESSAGE_START", messageId: "answer", role: "assistant" };
  for (const delta of ["Hello", ", ", "world"])
    yield { type: "TEXT_MESSAGE_CONTENT", messageId: "answer", delta };
  yield { type: "TEXT_MESSAGE_END", messageId: "answer" };
}

/** The endpoint of the user's own that a question is sent to. */
async function endpoint(_: unknown, init?: RequestInit): Promise<Response> {
  const { messages } = JSON.parse(init?.body as string);
  const stream = { writeUrl: url, headers };
  return toDurableChatSessionResponse({
    stream,
    newMessages: messages.slice(-1),
    responseStream: answer(),
    mode: "await",
  });
}

const connect = (initialOffset?: string) =>
  durableStreamConnection({
    sendUrl: "/api/chat",
    readUrl: url,
    headers,
    fetchClient: endpoint,
    initialOffset,
  });

const question = { id: "question", role: "user", parts: [{ type: "text", content: "Hi" }] };

/** Returns what a subscriber is told until the answer has ended. */
async function heard(connection: ReturnType<typeof connect>) {
  const chunks = [];
  const leaving = new AbortController();
  for await (const chunk of connection.subscribe(leaving.signal)) {
    chunks.push(chunk);
    const isWhole = chunk.type === "MESSAGES_SNAPSHOT" && chunk.messages.length === 2;
    if (isWhole || (chunk.type === "TEXT_MESSAGE_END" && chunk.messageId === "answer")) break;
  }
  leaving.abort();
  return chunks;
}

test("an answer is heard as it comes, and whoever comes later has the whole chat", async () => {
  await ensureDurableChatSessionStream({ writeUrl: url, headers });
  const before = await materializeSnapshotFromDurableStream({ readUrl: url, headers });
  const connection = connect(before.offset);
  const hearing = heard(connection);
  await connection.send([question]);
  const deltas = (await hearing).map((chunk) => chunk.delta ?? "");
  expect(deltas.join("")).toBe("HiHello, world");
  const text = (said: string) => [{ type: "text", content: said }];
  const whole = [
    { id: "question", role: "user", parts: text("Hi") },
    { id: "answer", role: "assistant", parts: text("Hello, world") },
  ];
  expect(await heard(connect())).toEqual([{ type: "MESSAGES_SNAPSHOT", messages: whole }]);
  const later = await materializeSnapshotFromDurableStream({ readUrl: url, headers });
  expect(later.messages).toEqual(whole);
});
