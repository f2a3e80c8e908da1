/** What the tests do beside the client: to the network, to the server, and to their streams. */

import { randomBytes } from "node:crypto";

export const baseURL = process.env.BASE_URL!;
export const secret = process.env.SECRET!;

/** A fault and the requests that it is for, as in tests/faults/rules.py. */
export interface Rule {
  method?: string;
  path?: string;
  skip?: number;
  times?: number | null;
  delay?: number;
  status?: number;
  retry_after?: number;
  request_bytes?: number;
  response_bytes?: number;
  lose_answer?: boolean;
  then?: "reset" | "close" | "stall";
}

export interface Seen {
  method: string;
  path: string;
  headers: Record<string, string>;
  status: number | null;
  fault: Rule | null;
}

async function command<T>(base: string | undefined, name: string, given: object): Promise<T> {
  const answer = await fetch(`${base}/${name}`, { method: "POST", body: JSON.stringify(given) });
  const said: any = await answer.json();
  if (!answer.ok) throw new Error(`${name}: ${said}`);
  return said;
}

/** The proxy between client and server. All tests of a process share it: name a run in `path`. */
export const network = {
  fail: (rule: Rule) => command<null>(process.env.NETWORK, "add", rule),
  chaos: (how: { seed: number; share: number }) => command<null>(process.env.NETWORK, "chaos", how),
  clear: () => command<null>(process.env.NETWORK, "clear", {}),
  reset: (method: string, path: string) =>
    command<number>(process.env.NETWORK, "reset", { method, path }),
  async seen(method: string, path: string): Promise<Seen[]> {
    const all = await command<Seen[]>(process.env.NETWORK, "requests", {});
    return all.filter((one) => one.method === method && one.path.includes(path));
  },
};

/** The server's process. */
export const server = {
  kill: () => command<null>(process.env.LAB, "kill", {}),
  stop: () => command<null>(process.env.LAB, "stop", {}),
  start: () => command<null>(process.env.LAB, "start", {}),
};

export const newRun = () => `run_${randomBytes(6).toString("hex")}`;

export const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Return as soon as `holds`; a test's own time limit ends what never comes. */
export async function until(holds: () => unknown): Promise<void> {
  while (!(await holds())) await sleep(20);
}

/** Call a route of the server itself, with the secret key unless `init` has another. */
export async function ask(method: string, path: string, init: RequestInit = {}): Promise<Response> {
  const headers = { Authorization: `Bearer ${secret}`, ...init.headers };
  return fetch(baseURL + path, { method, ...init, headers });
}

/** Close a stream, so that its readers end without waiting for silence. */
export async function close(run: string, key = "default"): Promise<void> {
  const answer = await ask("POST", `/realtime/v1/streams/${run}/self/${encodeURI(key)}/close`);
  if (!answer.ok) throw new Error(await answer.text());
}

/** Complete a run: its streams close, and it takes no more. */
export async function complete(run: string): Promise<void> {
  const answer = await ask("POST", `/api/v1/runs/${run}/complete`);
  if (!answer.ok) throw new Error(await answer.text());
}

/** Return everything that is stored of a stream, as the server's own JSON tells it. */
export async function stored(run: string, key = "default"): Promise<unknown[]> {
  const found: unknown[] = [];
  for (;;) {
    const path = `/realtime/v1/streams/${run}/${encodeURI(key)}?wait=0&start=${found.length}`;
    const page: any = await (await ask("GET", path)).json();
    if (!page.chunks.length) return found;
    found.push(...page.chunks.map((chunk: { data: unknown }) => chunk.data));
  }
}

export async function collect<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const chunk of stream) found.push(chunk);
  return found;
}

export const range = (count: number, first = 0) => [...Array(count).keys()].map((n) => n + first);

/** Yield `count` chunks, the number of each in it, `ms` apart. */
export async function* ticking(count: number, ms: number): AsyncGenerator<string> {
  for (const n of range(count)) {
    yield `chunk ${n}`;
    await sleep(ms);
  }
}

export const ticks = (count: number) => range(count).map((n) => `chunk ${n}`);
