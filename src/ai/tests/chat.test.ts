/** Chats of the AI SDK whose answers come from a server, over a network that fails. */

import { lastAssistantMessageIsCompleteWithApprovalResponses } from "ai";
import { describe, expect, it } from "vitest";
import { ask, network, Stream, until } from "../../react/tests/support/lab.js";
import { Backend, placeOf } from "./support/backend.js";
import { begun, delta, ended, question, takesBack, texts } from "./support/chunks.js";

const ANEW = "The answer was begun anew; reconnect to see it.";

/** Say whether the producer was asked to stop; it was not where there is no such stream yet. */
async function isAskedToStop({ run, key }: Stream): Promise<boolean> {
  const { streams } = await (await ask("GET", `/api/v1/runs/${run}/streams`)).json();
  return !!streams.find((stream: { key: string; stop: boolean }) => stream.key === key)?.stop;
}

/** A chat that was asked, and the stream of its answer, with some words in it. */
async function asked(backend: Backend, ...words: string[]) {
  const chat = backend.chat();
  const done = chat.sendMessage({ text: "Why?" });
  await until(() => backend.streams.length);
  const [stream] = backend.streams as [Stream];
  await stream.append(...begun(...words));
  if (words.length) await until(() => texts(chat).at(-1) === words.join(""));
  return { chat, stream, done };
}

/** A chat as a page has it that is loaded while, or after, the question is answered. */
async function resumed(backend: Backend) {
  const chat = backend.chat({ messages: [question] });
  return { chat, done: chat.resumeStream() };
}

/** A backend whose chat has one answer: *chunks*, of an open stream. */
async function answered(...chunks: object[]) {
  const backend = await new Backend().listen();
  const stream = new Stream("ui");
  await stream.append(...chunks);
  backend.streams = [stream];
  return { backend, stream };
}

describe.concurrent("a chat", () => {
  it("shows an answer while it is written, and comes to its end", async () => {
    await using backend = await new Backend().listen();
    const { chat, stream, done } = await asked(backend, "As", " it");
    expect(chat.status).toBe("streaming");
    await stream.append(delta(" is 🎈"), ...ended);
    await stream.close();
    await done;
    expect(texts(chat)).toEqual(["Why?", "As it is 🎈"]);
    expect([chat.status, chat.lastMessage?.id]).toEqual(["ready", "answer_1"]);
    expect(backend.posted[0]).toMatchObject({ id: "chat_1", trigger: "submit-message" });
  });

  it("goes on where it was when the network breaks", async () => {
    await using backend = await new Backend().listen();
    const { chat, stream, done } = await asked(backend, "As");
    await network.reset(stream.run);
    await stream.append(delta(" it"), delta(" is"), ...ended);
    await stream.close();
    await done;
    expect(texts(chat)).toEqual(["Why?", "As it is"]);
  });

  it("rolls back to where a writer has begun anew, and shows the answer as a reload does", async () => {
    await using backend = await new Backend().listen();
    const { chat, stream, done } = await asked(backend, "As", " it was");
    await stream.supersede(3, delta(" it is"), ...ended);
    await stream.close();
    await done;
    const page = await resumed(backend);
    await page.done;
    expect(texts(page.chat)).toEqual(["Why?", "As it is"]);
    if (await takesBack) expect(texts(chat)).toEqual(["Why?", "As it is"]);
    else expect(chat.error?.message).toBe(ANEW);
  });

  it("shows an answer that is begun anew as a whole, with the steps that it has", async () => {
    await using backend = await new Backend().listen();
    const chat = backend.chat();
    const done = chat.sendMessage({ text: "Why?" });
    await until(() => backend.streams.length);
    const [stream] = backend.streams as [Stream];
    const [start, ...was] = begun("As it was");
    const step = { type: "start-step" };
    await stream.append(start, step, ...was);
    await until(() => texts(chat).at(-1) === "As it was");
    await stream.supersede(0, start, step, ...begun("As it is").slice(1), ...ended);
    await stream.close();
    await done;
    const page = await resumed(backend);
    await page.done;
    for (const { lastMessage, error } of (await takesBack) ? [chat, page.chat] : [page.chat]) {
      expect(lastMessage!.parts).toMatchObject([{ type: "step-start" }, { text: "As it is" }]);
      expect(error).toBeUndefined();
    }
  });

  it("rolls back the latest step with its beginning, again and again, and no step before it", async () => {
    const step = { type: "start-step" };
    const first = [begun()[0]!, step, ...begun("First. ").slice(1), ended[0]!];
    const text = { type: "text-start", id: "t" };
    const { backend, stream } = await answered(...first, step, text, delta("It was"));
    await using _ = backend;
    const { chat, done } = await resumed(backend);
    await until(() => texts(chat).at(-1) === "First. It was");
    await stream.supersede(first.length, step, text, delta("It is"));
    if (!(await takesBack)) {
      await done;
      return expect(chat.error?.message).toBe(ANEW);
    }
    await until(() => texts(chat).at(-1) === "First. It is");
    await stream.supersede(first.length, step, text, delta("So be it"));
    await until(() => texts(chat).at(-1) === "First. So be it");
    const types = chat.lastMessage!.parts.map(({ type }) => type);
    expect(types).toEqual(["step-start", "text", "step-start", "text"]);
    await stream.supersede(first.length - 1, ended[0]!, ...ended.slice(1));
    await done;
    expect(chat.error?.message).toBe(ANEW);
  });

  it("says that one has to reconnect where a step before the latest is begun anew", async () => {
    await using backend = await new Backend().listen();
    const { chat, stream, done } = await asked(backend, "As");
    await stream.append({ type: "text-end", id: "t" }, { type: "start-step" });
    await stream.append({ type: "text-start", id: "u" }, { type: "start-step" });
    await until(() => chat.lastMessage!.parts.length >= 3);
    await stream.supersede(2, delta("So it is"), ...ended);
    await stream.close();
    await done;
    expect(chat.error?.message).toBe(ANEW);
    const page = await resumed(backend);
    await page.done;
    expect(texts(page.chat)).toEqual(["Why?", "So it is"]);
  });

  it("has every part once in each page that is loaded in the middle", async () => {
    await using backend = await new Backend().listen();
    const { chat, stream, done } = await asked(backend, "As");
    const pages = [await resumed(backend), await resumed(backend)];
    for (const page of pages) await until(() => texts(page.chat).at(-1) === "As");
    await stream.append(delta(" it is"), ...ended);
    await stream.close();
    await Promise.all([done, ...pages.map((page) => page.done)]);
    for (const { messages } of [chat, ...pages.map((page) => page.chat)]) {
      expect(texts({ messages })).toEqual(["Why?", "As it is"]);
    }
  });

  it("shows an answer that was there already once, and that which is made instead", async () => {
    await using backend = await new Backend().listen();
    const { chat, stream, done } = await asked(backend, "As it is");
    await stream.append(...ended);
    await stream.close();
    await done;
    await chat.resumeStream();
    expect(texts(chat)).toEqual(["Why?", "As it is"]);
    const again = chat.regenerate();
    await until(() => backend.posted.length === 2 && backend.streams[0] !== stream);
    await backend.streams[0]!.append(...begun("Otherwise"), ...ended);
    await backend.streams[0]!.close();
    await again;
    expect(texts(chat)).toEqual(["Why?", "Otherwise"]);
    expect(backend.posted[1]).toMatchObject({ trigger: "regenerate-message" });
  });

  it.each([204, 404])("has nothing to resume where the endpoint answers %i", async (status) => {
    await using backend = await new Backend().listen();
    backend.none = status;
    const { chat, done } = await resumed(backend);
    await done;
    expect([chat.status, backend.reconnects]).toEqual(["ready", 1]);
  });

  it.each(["[]", "null"])("has nothing to resume where the endpoint answers %s", async (none) => {
    await using backend = await new Backend().listen();
    const fetch = async () => new Response(none);
    const chat = backend.chat({ messages: [question] }, { fetch });
    await chat.resumeStream();
    expect([chat.status, chat.error]).toEqual(["ready", undefined]);
    await chat.sendMessage({ text: "Why?" });
    expect(chat.error?.message).toContain("must answer with the run");
  });

  it("fails when the endpoint says no run", async () => {
    const fetch = async () => Response.json({ id: 7 });
    const chat = (await new Backend().listen()).chat({}, { fetch });
    await chat.sendMessage({ text: "Why?" });
    expect(chat.error?.message).toContain("must answer with the run");
  });

  it("asks the endpoint for another token when the one that it has has expired", async () => {
    await using backend = await new Backend().listen();
    const { chat, stream, done } = await asked(backend, "As");
    await network.fail({ path: stream.run, method: "GET", status: 401, times: 1 });
    await network.reset(stream.run);
    await stream.append(delta(" it is"), ...ended);
    await stream.close();
    await done;
    expect([texts(chat).at(-1), chat.error, backend.reconnects]).toEqual([
      "As it is",
      undefined,
      1,
    ]);
  });
});

describe.concurrent("whoever stops a chat", () => {
  it("asks the producer to stop, and reads no further", async () => {
    await using backend = await new Backend().listen();
    const { chat, stream, done } = await asked(backend, "As");
    await chat.stop();
    await done;
    await until(() => isAskedToStop(stream));
    await stream.append(delta(" it is"));
    expect([texts(chat).at(-1), chat.status]).toEqual(["As", "ready"]);
  });

  it("asks it with the token that the reader has been given since the first one expired", async () => {
    await using backend = await new Backend().listen();
    backend.token = "expired";
    const { chat, stream } = await asked(backend, "As");
    await chat.stop();
    await until(() => isAskedToStop(stream));
    expect(backend.reconnects).toBe(1);
  });

  it("asks it also when nobody has noticed that the token has expired", async () => {
    await using backend = await new Backend().listen();
    const { chat, stream } = await asked(backend, "As");
    await network.fail({ path: `${stream.run}/self/ui/stop`, status: 401, times: 1 });
    await chat.stop();
    await until(() => isAskedToStop(stream));
    expect(backend.reconnects).toBe(1);
  });

  it("asks it also in a page that was loaded in the middle", async () => {
    const { backend, stream } = await answered(...begun("As"));
    await using _ = backend;
    const { chat, done } = await resumed(backend);
    await until(() => texts(chat).at(-1) === "As");
    await chat.stop();
    await done;
    await until(() => isAskedToStop(stream));
  });

  it("asks it also when the endpoint has not answered yet, and nothing is written", async () => {
    await using backend = await new Backend().listen();
    let answer = () => {};
    backend.mayAnswer = new Promise<void>((resolve) => (answer = resolve));
    const chat = backend.chat();
    const done = chat.sendMessage({ text: "Why?" });
    await until(() => backend.posted.length);
    await chat.stop();
    await done;
    expect([chat.status, chat.error]).toEqual(["ready", undefined]);
    answer();
    await until(() => backend.streams.length);
    await until(() => isAskedToStop(backend.streams[0]!));
  });

  it("is not whoever reconnects, which ends the reading before", async () => {
    const { backend, stream } = await answered(...begun("As"));
    await using _ = backend;
    const { chat } = await resumed(backend);
    await until(() => texts(chat).at(-1) === "As");
    const done = chat.resumeStream();
    await until(() => backend.reconnects === 2);
    await stream.append(delta(" it is"), ...ended);
    await stream.close();
    await done;
    expect([texts(chat), await isAskedToStop(stream)]).toEqual([["Why?", "As it is"], false]);
  });

  it("is not whoever reconnects several chats at once, as when the network is back", async () => {
    const one = await answered(...begun("As"));
    const other = await answered(...begun("So"));
    await using _ = one.backend;
    await using __ = other.backend;
    const chats = [one, other].map(({ backend }, n) =>
      backend.chat({ id: `chat_of_several_${n}`, messages: [question] }),
    );
    chats.forEach((chat) => void chat.resumeStream());
    await until(() => chats.every((chat) => texts(chat).length === 2));
    const done = chats.map((chat) => chat.resumeStream());
    await until(() => one.backend.reconnects === 2 && other.backend.reconnects === 2);
    for (const { stream } of [one, other]) {
      await stream.append(delta(" it is"), ...ended);
      await stream.close();
    }
    await Promise.all(done);
    expect(chats.map((chat) => texts(chat)[1])).toEqual(["As it is", "So it is"]);
    expect(await Promise.all([one, other].map(({ stream }) => isAskedToStop(stream)))).toEqual([
      false,
      false,
    ]);
  });
});

const failed = ["failed", "the model is gone"] as const;

describe.concurrent("what is not whole ends with an error:", () => {
  it.each([
    ["an answer that failed", failed, "The answer failed: the model is gone"],
    ["one that failed for no reason", ["failed"], "The answer failed: no reason was given"],
  ] as const)("%s", async (_, end, message) => {
    await using backend = await new Backend().listen();
    const { chat, stream, done } = await asked(backend, "As");
    await stream.close(...end);
    await done;
    expect([chat.status, chat.error?.message]).toEqual(["error", message]);
    expect(texts(chat)).toEqual(["Why?", "As"]);
  });

  it("one in which nothing comes any more", async () => {
    const { backend } = await answered(...begun("As"));
    await using _ = backend;
    const chat = backend.chat({ messages: [question] }, { timeoutInSeconds: 1 });
    await chat.resumeStream();
    expect(chat.error?.message).toContain("nothing came for a long time");
    expect(texts(chat)).toEqual(["Why?", "As"]);
  });

  it("one that the token does not open", async () => {
    const { backend, stream } = await answered(...begun("As"));
    await using _ = backend;
    const fetch = async () => Response.json({ ...placeOf(stream), token: "another" });
    const chat = backend.chat({ messages: [question] }, { fetch });
    await chat.resumeStream();
    expect(chat.error?.message).toMatch(/^The answer cannot be read any further: /);
  });

  it.each([
    ["words", ""],
    [null, ""],
    [7, ""],
    [{ id: "chatcmpl_1", object: "chat.completion.chunk", choices: [] }, ""],
    [{ type: "response.output_text.delta", delta: "As" }, ": response.output_text.delta"],
    [{ type: "text-delta", id: "t" }, ": text-delta"],
    [{ type: "constructor" }, ": constructor"],
    [{ type: "__proto__" }, ": __proto__"],
  ])("one of %j, which is no UI message chunk", async (chunk, named) => {
    const { backend, stream } = await answered(...begun("As"), chunk as object, ...ended);
    await using _ = backend;
    await stream.close();
    const { chat, done } = await resumed(backend);
    await done;
    expect(chat.error?.message).toBe(`Chunk 3 of the answer is no UI message chunk${named}.`);
    expect(texts(chat)).toEqual(["Why?", "As"]);
  });

  it("but not one that says at its end that it is done, as Pydantic AI does", async () => {
    const { backend, stream } = await answered(...begun("As"), ...ended);
    await using _ = backend;
    const { chat, done } = await resumed(backend);
    await until(() => texts(chat).at(-1) === "As");
    await stream.append({ type: "done" });
    await stream.close();
    await done;
    expect([chat.status, chat.error, texts(chat)]).toEqual(["ready", undefined, ["Why?", "As"]]);
  });

  it("but one that somebody has stopped elsewhere is over", async () => {
    await using backend = await new Backend().listen();
    const { chat, stream, done } = await asked(backend, "As");
    await stream.close("canceled");
    await done;
    expect([chat.status, chat.error, texts(chat).at(-1)]).toEqual(["ready", undefined, "As"]);
  });
});

const TOOL = { toolCallId: "call_1", toolName: "delete" };
const approval = [
  { type: "start", messageId: "answer_1" },
  { type: "tool-input-available", ...TOOL, input: { file: "a" }, dynamic: true },
  { type: "tool-approval-request", toolCallId: "call_1", approvalId: "approval_1" },
  { type: "finish" },
];
const approved = [
  { type: "start", messageId: "answer_1" },
  { type: "tool-output-available", toolCallId: "call_1", output: "gone", dynamic: true },
  { type: "text-start", id: "t" },
  delta("Done."),
  ...ended,
];

it("goes on in another stream when a tool is approved, and resumes with both", async () => {
  await using backend = await new Backend().listen();
  const sendAutomaticallyWhen = lastAssistantMessageIsCompleteWithApprovalResponses;
  const chat = backend.chat({ sendAutomaticallyWhen });
  const done = chat.sendMessage({ text: "Delete it" });
  await until(() => backend.streams.length);
  await backend.streams[0]!.append(...approval);
  await backend.streams[0]!.close();
  await done;
  await chat.addToolApprovalResponse({ id: "approval_1", approved: true });
  await until(() => backend.streams.length === 2);
  await backend.streams[1]!.append(...approved);
  await backend.streams[1]!.close();
  await until(() => chat.status === "ready" && texts(chat).at(-1) === "Done.");
  const { chat: later, done: resuming } = await resumed(backend);
  await resuming;
  for (const { messages } of [chat, later]) {
    expect(messages).toHaveLength(2);
    expect(messages[1]!.parts).toMatchObject([{ output: "gone" }, { text: "Done." }]);
  }
});
