/** The backend of the chat: it answers questions, and gives out tokens. */

import { StreamWriter } from "@runstreams/react/writer";
import { createHmac, randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { recite } from "./answers.js";

const baseURL = process.env.RUNSTREAMS_URL ?? "http://127.0.0.1:8787";
const secret = process.env.RUNSTREAMS_SECRET_KEY;
const port = Number(process.env.PORT ?? 5180);
const wordMs = Number(process.env.WORD_MS ?? 60);
const pages = join(import.meta.dirname, "dist");
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css" };

if (!secret) throw new Error("RUNSTREAMS_SECRET_KEY is not set");

const newRun = () => `run_${randomUUID().replaceAll("-", "")}`;
const writerOf = (run, key) => new StreamWriter(run, key, { baseURL, accessToken: secret });

/** A token for a browser: it reads this run for an hour, and may ask its producer to stop. */
function tokenFor(run) {
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const exp = Math.floor(Date.now() / 1000) + 3600;
  const claims = { pub: true, scopes: [`read:runs:${run}`, `stop:runs:${run}`], exp };
  const said = `${encode({ alg: "HS256", typ: "JWT" })}.${encode(claims)}`;
  return `${said}.${createHmac("sha256", secret).update(said).digest("base64url")}`;
}

/** Answer into a stream, whoever reads it, and whether anybody does. */
async function answer(run, question) {
  const writer = writerOf(run, "stream");
  try {
    await writer.pipe(recite(question, wordMs));
    if (!writer.isStopped) await writer.close();
  } catch (error) {
    console.error(error);
    await writer.close("failed", String(error)).catch(console.error);
  }
}

async function takeTurn(chat, question) {
  const run = newRun();
  const turns = writerOf(chat, "turns");
  void turns.write({ question, run });
  await turns.drain();
  void answer(run, question);
  return { run };
}

// Yours would ask here who is calling, and which runs are theirs.
const ROUTES = [
  ["GET", /^\/api\/config$/, () => ({ baseURL })],
  ["POST", /^\/api\/chats$/, () => ({ chat: newRun() })],
  [
    "POST",
    /^\/api\/chats\/(\w+)\/turns$/,
    (chat, { question }) => takeTurn(chat, String(question)),
  ],
  ["GET", /^\/api\/runs\/(\w+)\/token$/, (run) => ({ token: tokenFor(run) })],
];

async function handle(request) {
  for (const [method, path, act] of ROUTES) {
    const found = path.exec(request.url);
    if (!found || request.method !== method) continue;
    let body = "";
    for await (const piece of request) body += piece;
    const said = await act(...found.slice(1), JSON.parse(body || "{}"));
    return { status: 200, type: "application/json", body: JSON.stringify(said) };
  }
  return page(request.url);
}

async function page(url) {
  const { pathname } = new URL(url, "http://page");
  const path = join(pages, pathname === "/" ? "index.html" : pathname);
  return { status: 200, type: TYPES[extname(path)], body: await readFile(path) };
}

const server = createServer((request, response) => {
  handle(request)
    .catch((error) => ({
      status: error.code === "ENOENT" ? 404 : 500,
      type: "text/plain",
      body: String(error),
    }))
    .then(({ status, type = "application/octet-stream", body }) =>
      response.writeHead(status, { "Content-Type": type }).end(body),
    );
});

server.listen(port, "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${server.address().port}/`);
});
