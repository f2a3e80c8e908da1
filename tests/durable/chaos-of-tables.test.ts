/** Tables in a stream fill over a network that fails, from a server that is killed. */
import { setTimeout } from "node:timers/promises";

import { createStateSchema } from "@durable-streams/state";
import { createStreamDB } from "@durable-streams/state/db";
import { expect, test } from "vitest";
import { z } from "zod";

const count = Number(process.env.COUNT);
const PATIENCE_MS = 20_000;

const row = z.object({ id: z.string(), at: z.number() });
const state = createStateSchema({ rows: { schema: row, type: "row", primaryKey: "id" } });
const streamOptions = {
  url: `${process.env.SERVED}/v1/stream/run_1/values`,
  headers: { authorization: `Bearer ${process.env.SECRET}` },
  contentType: "application/json",
};

/** Returns the rows once the last event is there; undefined where the tables hear no more. */
async function filled(live: "long-poll" | "sse") {
  const db = createStreamDB({ streamOptions, live, state });
  try {
    // What breaks between two steps of its own, it tells nobody.
    return await Promise.race([whole(db), setTimeout(PATIENCE_MS, undefined)]);
  } catch {
    return undefined;
  } finally {
    db.close();
  }
}

async function whole(db: ReturnType<typeof createStreamDB<typeof state>>) {
  await db.preload();
  await db.utils.awaitTxId("last", 120_000);
  return db.collections.rows.toArray;
}

test.concurrent.each(["long-poll", "sse"] as const)(
  "tables that are opened again when they stop by %s have each row as it was last",
  async (live) => {
    let rows = await filled(live);
    while (rows === undefined) rows = await filled(live);
    const values = rows.filter(({ id }) => id !== "newest").map(({ at }) => at);
    expect(values.sort((one, other) => one - other)).toEqual(
      Array.from({ length: count }, (_, at) => at),
    );
    expect(rows.find(({ id }) => id === "newest")?.at).toBe(count - 1);
  },
);
