/** What the clients make of the event that the published server sends when a read fails there. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";

import { ApiClient, isOld } from "../support/client.js";
import { collect, secret } from "../support/lab.js";

function batch(index: number, data: string): string {
  const body = JSON.stringify({ data, id: `id-${index}` });
  const records = [{ seq_num: index, timestamp: 1, body }];
  const tail = { seq_num: index + 1, timestamp: 1 };
  return `event: batch\nid: ${index}\ndata: ${JSON.stringify({ records, tail })}\n\n`;
}

export const errors = () =>
  describe("an error event", { concurrency: 100 }, () => {
    it("breaks the newer client, and ends the older: so our server never sends one", async () => {
      const asked: unknown[] = [];
      const server = createServer((request, answer) => {
        asked.push(request.headers["last-event-id"]);
        answer.writeHead(200, { "Content-Type": "text/event-stream", "X-Stream-Version": "v2" });
        if (asked.length === 1) answer.end(`${batch(0, "a")}event: error\ndata: it broke\n\n`);
        else answer.end(`${batch(1, "b")}data: [DONE]\n\n`);
      }).listen(0, "127.0.0.1");
      await once(server, "listening");
      const { port } = server.address() as AddressInfo;
      try {
        const client = new ApiClient(`http://127.0.0.1:${port}`, secret);
        const chunks = await collect(await client.fetchStream<string>("run_1", "out"));
        assert.deepEqual(chunks, isOld ? ["a"] : ["a", "b"]);
        assert.deepEqual(asked, isOld ? [undefined] : [undefined, "0"]);
      } finally {
        server.close();
      }
    });
  });
