/** What the tests do beside the reader: to the server, to the network, and to their streams. */

import { randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

export const baseURL = needed("SERVER_URL");
export const secret = needed("SERVER_SECRET");

function needed(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: start the tests by pytest tests/react`);
  return value;
}

/** A fault and the requests that it is for, as in tests/faults/rules.py. */
export interface Rule {
  method?: string;
  path?: string;
  skip?: number;
  times?: number | null;
  delay?: number;
  status?: number;
  retry_after?: number;
  response_bytes?: number;
  lose_answer?: boolean;
  then?: "reset" | "close" | "stall";
}

async function command<T>(base: string, name: string, given: object): Promise<T> {
  const answer = await fetch(`${base}/${name}`, { method: "POST", body: JSON.stringify(given) });
  const said = (await answer.json()) as T;
  if (!answer.ok) throw new Error(`${name}: ${said}`);
  return said;
}

interface Seen {
  method: string;
  path: string;
  headers: Record<string, string>;
  status: number | null;
}

/** The proxy before the server. All tests of a process share it: name a run in `path`. */
export const network = {
  url: needed("NETWORK_URL"),
  fail: (rule: Rule) => command<null>(needed("NETWORK"), "add", rule),
  reset: (path: string, method = "GET") =>
    command<number>(needed("NETWORK"), "reset", { method, path }),
  async seen(path: string, method = "GET"): Promise<Seen[]> {
    const all = await command<Seen[]>(needed("NETWORK"), "requests", {});
    return all.filter((one) => one.method === method && one.path.includes(path));
  },
};

/** A second server, which can be killed and started again where it was. */
export const restarting = {
  url: needed("RESTARTING_URL"),
  secret: needed("RESTARTING_SECRET"),
  kill: () => command<null>(needed("LAB"), "kill", {}),
  start: () => command<null>(needed("LAB"), "start", {}),
};

/** Reads as the secret key may, through the network. */
export const through = { baseURL: network.url, accessToken: secret };

export const newRun = () => `run_${randomBytes(6).toString("hex")}`;

export const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Return as soon as `holds`; a test's own time limit ends what never comes. */
export async function until(holds: () => unknown): Promise<void> {
  while (!(await holds())) await sleep(10);
}

/** Call a route of the server itself, with the secret key. */
export async function ask(
  method: string,
  path: string,
  body?: string,
  more: Record<string, string> = {},
): Promise<Response> {
  const headers = { Authorization: `Bearer ${secret}`, ...more };
  const answer = await fetch(baseURL + path, { method, headers, ...(body && { body }) });
  if (!answer.ok) throw new Error(await answer.text());
  return answer;
}

const STREAMS = "/realtime/v1/streams";

/** One run, and the default stream in it. */
export class Stream {
  readonly run = newRun();

  constructor(readonly key = "default") {}

  async append(...chunks: unknown[]): Promise<void> {
    const lines = chunks.map((chunk) => `${JSON.stringify(chunk)}\n`).join("");
    await ask("POST", `${STREAMS}/${this.run}/self/${this.key}`, lines);
  }

  /** Append *chunks*, up to which those from *index* on no longer count. */
  async supersede(index: number, ...chunks: unknown[]): Promise<void> {
    const lines = chunks.map((chunk) => `${JSON.stringify(chunk)}\n`).join("");
    const headers = { "X-Stream-Supersedes": `${index}` };
    await ask("POST", `${STREAMS}/${this.run}/self/${this.key}`, lines, headers);
  }

  async close(status = "completed", error: string | null = null): Promise<void> {
    const said = JSON.stringify({ status, error });
    await ask("POST", `${STREAMS}/${this.run}/${this.key}/close`, said);
  }

  async delete(): Promise<void> {
    await ask("DELETE", `/api/v1/runs/${this.run}/streams/${this.key}`);
  }

  /** How many reads of it came through the network. */
  async reads(): Promise<Seen[]> {
    return network.seen(this.run);
  }
}

export { range } from "./range.js";

export async function collect<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const chunk of stream) found.push(chunk);
  return found;
}

/** Serve by `handle` on a free port while `use` runs. */
export async function serving<T>(
  handle: (request: IncomingMessage, response: ServerResponse) => unknown,
  use: (url: string) => Promise<T>,
): Promise<T> {
  const server = createServer((request, response) => void handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    return await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/** Pass a request on to the server, and return its answer. */
export async function passOn(request: IncomingMessage): Promise<Response> {
  const { connection: _, ...sent } = request.headers as Record<string, string>;
  const headers = { ...sent, host: new URL(baseURL).host };
  const body = request.method === "GET" ? undefined : await text(request);
  return fetch(baseURL + request.url, { method: request.method, headers, body });
}

/** Answer with what the server said, in one piece. */
export async function passBack(answer: Response, response: ServerResponse): Promise<void> {
  const type = answer.headers.get("content-type") ?? "";
  response.writeHead(answer.status, { "content-type": type }).end(await answer.text());
}
