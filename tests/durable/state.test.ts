/** The official package of tables in a stream, against a server of ours. */
import { DurableStream } from "@durable-streams/client";
import { createStateSchema } from "@durable-streams/state";
import { createStreamDB } from "@durable-streams/state/db";
import { expect, test } from "vitest";
import { z } from "zod";

const user = z.object({ id: z.string(), name: z.string() });
type User = z.infer<typeof user>;
const schema = createStateSchema({ users: { schema: user, type: "user", primaryKey: "id" } });

const headers = { authorization: `Bearer ${process.env.SECRET}` };
const contentType = "application/json";
const options = (name: string) => ({
  url: `${process.env.SERVED}/v1/stream/run_1/${name}`,
  headers,
  contentType,
});

/** Opens the tables of a stream, and sees to it that whatever is added is confirmed by it. */
function open(name: string, live: "long-poll" | "sse") {
  return createStreamDB({
    streamOptions: options(name),
    live,
    state: schema,
    actions: ({ db, stream }) => ({
      add: {
        onMutate: (added: User) => db.collections.users.insert(added),
        mutationFn: async (added: User) => {
          const txid = crypto.randomUUID();
          const event = schema.users.insert({ value: added, headers: { txid } });
          await stream.append(JSON.stringify(event));
          await db.utils.awaitTxId(txid, 30_000);
        },
      },
    }),
  });
}

test.each(["long-poll", "sse"] as const)("all tables of a stream agree, by %s", async (live) => {
  const stream = await DurableStream.create(options(`users-${live}`));
  const [one, other] = [open(`users-${live}`, live), open(`users-${live}`, live)];
  await Promise.all([one.preload(), other.preload()]);
  const names = ({ collections }: typeof one) => collections.users.toArray.map(({ name }) => name);
  await one.actions.add({ id: "1", name: "Ada" }).isPersisted.promise;
  await other.actions.add({ id: "2", name: "Grace" }).isPersisted.promise;
  const change = schema.users.update({ value: { id: "1", name: "Ada Lovelace" } });
  await stream.append(JSON.stringify(change));
  await stream.append(JSON.stringify(schema.users.delete({ key: "2" })));
  for (const db of [one, other])
    await expect.poll(() => names(db), { timeout: 30_000 }).toEqual(["Ada Lovelace"]);
  const late = open(`users-${live}`, live);
  await late.preload();
  expect(names(late)).toEqual(["Ada Lovelace"]);
  for (const db of [one, other, late]) db.close();
});
