/** What the clients make of the event that the published server sends when a read fails there. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";

import { ApiClient, isOld } from "./support/client.js";
import { collect, secret } from "./support/lab.js";

function batch(index: number, data: string): string {
  const body = JSON.stringify({ data, id: `id-${index}` });
  const records = [{ seq_num: index, timestamp: 1, body }];
  const tail = { seq_num: index + 1, timestamp: 1 };
  return `event: batch\nid: ${index}\ndata: ${JSON.stringify({ records, tail })}\n\n`;
}

/** What a reader gets when the first answer says that it is not the end, and then `ends`. */
async function readBehind(ends: (answer: ServerResponse) => void) {
  const asked: unknown[] = [];
  const server = createServer((request, answer) => {
    asked.push(request.headers["last-event-id"]);
    answer.writeHead(200, { "Content-Type": "text/event-stream", "X-Stream-Version": "v2" });
    if (asked.length > 1) return answer.end(`${batch(1, "b")}data: [DONE]\n\n`);
    answer.write(`${batch(0, "a")}event: error\ndata: it broke\n\n`, () => ends(answer));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    const { port } = server.address() as AddressInfo;
    const client = new ApiClient(`http://127.0.0.1:${port}`, secret);
    return { chunks: await collect(await client.fetchStream<string>("run_1", "out")), asked };
  } finally {
    server.close();
  }
}

describe(`an error event, to ${process.env.CLIENT}`, { timeout: 60_000 }, () => {
  it("breaks the newer client; the older takes what follows for the end, if it is one", async () => {
    const { chunks, asked } = await readBehind((answer) => answer.end());
    assert.deepEqual(chunks, isOld ? ["a"] : ["a", "b"]);
    assert.deepEqual(asked, isOld ? [undefined] : [undefined, "0"]);
  });

  it("does no harm before a break, which both take for one", async () => {
    const { chunks, asked } = await readBehind((answer) => answer.destroy());
    assert.deepEqual(chunks, ["a", "b"]);
    assert.deepEqual(asked, [undefined, "0"]);
  });
});
