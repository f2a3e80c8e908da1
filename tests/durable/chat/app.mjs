/**
 * A chat as the README of `@durable-streams/aisdk-transport` has it: an endpoint that answers, one
 * for whoever comes back, and a way to the stream that adds the key.
 *
 * The answer stops in its middle until it is told to go on by `POST /go`.
 */
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { toDurableStreamResponse } from "@durable-streams/aisdk-transport";

const headers = { authorization: `Bearer ${process.env.SECRET}` };
const streams = `${process.env.SERVED}/v1/stream/chats`;
const page = `<!doctype html><body><script type="module">${await readFile(process.env.PAGE)}</script>`;

/** The messages of each chat, and the stream of the answer that is being given. */
const chats = new Map();
let go;
const told = new Promise((resolve) => {
  go = resolve;
});

/** What stands in for a model. */
async function* answer(chat) {
  yield { type: "start", messageId: "answer" };
  yield { type: "text-start", id: "text" };
  for (const word of ["one ", "two ", "three ", "four"]) {
    if (word === "three ") await told;
    yield { type: "text-delta", id: "text", delta: word };
  }
  yield { type: "text-end", id: "text" };
  yield { type: "finish" };
  chat.stream = null;
}

async function ask(request) {
  const { id, messages } = await request.json();
  const chat = { messages, stream: `${id}-${messages.length}` };
  chats.set(id, chat);
  return toDurableStreamResponse({
    source: answer(chat),
    stream: { writeUrl: `${streams}/${chat.stream}`, readUrl: `/read/${chat.stream}`, headers },
  });
}

function comeBack(id) {
  const stream = chats.get(id)?.stream;
  if (!stream) return new Response(null, { status: 204 });
  const streamUrl = `/read/${stream}`;
  return Response.json({ streamUrl }, { headers: { Location: streamUrl } });
}

async function answerTo(request) {
  const { pathname, search } = new URL(request.url);
  const [, first, name, id] = pathname.split("/");
  if (first === "read") return fetch(`${streams}/${name}${search}`, { headers });
  if (first === "go") return new Response(go());
  if (first === "said") return Response.json(chats.get(name)?.messages ?? []);
  if (first !== "api") return new Response(page, { headers: { "content-type": "text/html" } });
  return request.method === "POST" ? ask(request) : comeBack(id);
}

const server = createServer(async (incoming, outgoing) => {
  const { method, url } = incoming;
  const body = method === "POST" ? Readable.toWeb(incoming) : undefined;
  const request = new Request(new URL(url, "http://app"), { method, body, duplex: "half" });
  const { status, headers: said, body: sent } = await answerTo(request);
  outgoing.writeHead(status, Object.fromEntries(said));
  outgoing.flushHeaders();
  // Whoever goes away in the middle ends the pipeline.
  await pipeline(sent ? Readable.fromWeb(sent) : Readable.from([]), outgoing).catch(() => {});
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
