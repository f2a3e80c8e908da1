/** The official client against a server of ours, as its documentation has it. */
import { DurableStream, IdempotentProducer } from "@durable-streams/client";
import { expect, test } from "vitest";

const url = (name: string) => `${process.env.SERVED}/v1/stream/run_1/${name}`;
const headers = { authorization: `Bearer ${process.env.SECRET}` };

test("values come back in their order, and the end is told", async () => {
  const contentType = "application/json";
  const stream = await DurableStream.create({ url: url("values"), headers, contentType });
  const producer = new IdempotentProducer(stream, "writer", { lingerMs: 1 });
  const sent = Array.from({ length: 200 }, (_, number) => ({ number }));
  for (const value of sent) producer.append(JSON.stringify(value));
  await producer.flush();
  await producer.close();
  const read = await stream.stream<{ number: number }>({ offset: "-1", live: false });
  expect(await read.json()).toEqual(sent);
  expect((await stream.head()).streamClosed).toBe(true);
});

test.each(["long-poll", "sse"] as const)("a live reader by %s gets what comes", async (live) => {
  const stream = await DurableStream.create({ url: url(live), headers, contentType: "text/plain" });
  const reader = await stream.stream({ offset: "-1", live });
  let text = "";
  reader.subscribeText(async (chunk) => {
    text += chunk.text;
  });
  await stream.append("eins\n");
  await stream.append("zwei\n");
  await stream.close();
  await reader.closed;
  // By long poll, the client calls itself closed while it still hands over the last text.
  await expect.poll(() => text).toBe("eins\nzwei\n");
});

test("bytes come back as they were", async () => {
  const contentType = "application/octet-stream";
  const stream = await DurableStream.create({ url: url("bytes"), headers, contentType });
  const bytes = Uint8Array.from({ length: 100_000 }, (_, at) => (at * 7919) % 256);
  await stream.append(bytes);
  const read = await stream.stream({ offset: "-1", live: false });
  expect(Buffer.from(await read.body()).equals(Buffer.from(bytes))).toBe(true);
});
