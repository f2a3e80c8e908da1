/** What a component sees: `useChat` itself, in a page. */

import { useChat, type Chat } from "@ai-sdk/react";
import type { UIMessage } from "ai";
import { StrictMode } from "react";
import { expect, it } from "vitest";
import { ask, Stream, until } from "../../react/tests/support/lab.js";
import { show } from "../../react/tests/support/dom.js";
import { Backend } from "./support/backend.js";
import { begun, delta, ended, question, takesBack, texts } from "./support/chunks.js";

const MOST_RENDERS = 20;

function Shown({ chat, seen }: { chat: Chat<UIMessage>; seen: string[] }) {
  const { messages } = useChat({ chat, resume: true });
  seen.push(texts({ messages }).at(-1)!);
  return null;
}

it("replays a long answer in a few renders", async () => {
  const words = Array.from({ length: 5000 }, (_, n) => ` ${n}`);
  await using backend = await new Backend().listen();
  const stream = new Stream("ui");
  await stream.append(...begun(...words), ...ended);
  await stream.close();
  backend.streams = [stream];
  const chat = backend.chat({ messages: [question] });
  const seen: string[] = [];
  const { remove } = show(<Shown chat={chat} seen={seen} />);
  await until(() => seen.at(-1) === words.join("") && chat.status === "ready");
  remove();
  expect(seen.length).toBeLessThan(MOST_RENDERS);
});

it("shows nothing in between where a writer begins anew", async () => {
  await using backend = await new Backend().listen();
  const stream = new Stream("ui");
  await stream.append(...begun("As", " it was"));
  backend.streams = [stream];
  const chat = backend.chat({ messages: [question] });
  const seen: string[] = [];
  const { remove } = show(<Shown chat={chat} seen={seen} />);
  await until(() => seen.at(-1) === "As it was");
  const before = seen.length;
  await stream.supersede(3, delta(" it is"), ...ended);
  await stream.close();
  await until(() => chat.status !== "streaming");
  remove();
  const shown = (await takesBack) ? "As it is" : "As it was";
  expect([...new Set(seen.slice(before))]).toEqual([shown]);
});

it("leaves the producer alone when it is mounted twice and unmounted", async () => {
  await using backend = await new Backend().listen();
  const stream = new Stream("ui");
  await stream.append(...begun("As"));
  backend.streams = [stream];
  const chat = backend.chat({ messages: [question] });
  const seen: string[] = [];
  const { remove } = show(
    <StrictMode>
      <Shown chat={chat} seen={seen} />
    </StrictMode>,
  );
  await until(() => seen.at(-1) === "As");
  remove();
  await stream.append(delta(" it is"), ...ended);
  await until(() => texts(chat).at(-1) === "As it is");
  const said = await ask("GET", `/api/v1/runs/${stream.run}/streams/ui`);
  expect((await said.json()).stop).toBe(false);
});
