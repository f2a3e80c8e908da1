/** What the page asks the server for, besides chunks. */

import { pageOf } from "../../react/src/answers.js";
import type { Chunk, Span } from "../../react/src/reader.js";
import { clock } from "./clock.js";

export type Status = "completed" | "failed" | "canceled";

export type RunStatus = "running" | Status | "lost";

export interface Ending {
  status: Status;
  error: string | null;
}

export interface RunInfo {
  id: string;
  created: number;
  expires: number;
  parent: string | null;
  root: string | null;
  completed: number | null;
  status: RunStatus;
  error: string | null;
  /** Until when its producer has promised to be heard of, if it has. */
  leased_until: number | null;
}

/** Which runs are wanted; all, unless it says something. */
export interface RunFilter {
  status?: RunStatus;
  parent?: string;
}

export interface StreamInfo {
  run: string;
  key: string;
  first_index: number;
  tail: number;
  bytes: number;
  created: number;
  updated: number;
  last_append: number | null;
  expires: number;
  closed: (Ending & { code: string | null }) | null;
  stop: boolean;
  /** At most 64 are counted. */
  writers: number;
  /** Until when a producer has promised to be heard of, if one has. */
  leased_until: number | null;
  /** How often it was taken over. */
  fence: number;
  /** Which of its chunks no longer count. */
  superseded: Span[];
}

/** A chunk with its JSON as it was written: to parse it would round numbers. */
export type RawChunk = Chunk<string>;

/** The server refused (`status` 400 to 599), or was not reached (0). */
export class ApiError extends Error {
  override name = "ApiError";

  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly facts: Record<string, unknown> = {},
  ) {
    super(message);
  }

  /** Whether there is no such thing (yet). */
  get isMissing(): boolean {
    return this.status === 404;
  }
}

/** Take what is not there (yet) for nothing. Raises any other error. */
export function unlessMissing(error: unknown): undefined {
  if (!(error instanceof ApiError && error.isMissing)) throw error;
  return undefined;
}

/** Asks with one token. */
export class Api {
  constructor(
    readonly base: string,
    readonly token: string,
  ) {}

  runs(
    filter: RunFilter = {},
    after = "",
    signal?: AbortSignal,
  ): Promise<{ runs: RunInfo[]; next: string | null }> {
    const query = new URLSearchParams({ limit: "50", ...filter, ...(after && { after }) });
    return this.#get(`/api/v1/runs?${query}`, signal);
  }

  run(run: string, signal?: AbortSignal): Promise<RunInfo> {
    return this.#get(pathOf(run), signal);
  }

  /** Complete a run: its open streams close as it ended. */
  async complete(run: string, ending: Ending): Promise<void> {
    await this.#do("POST", `${pathOf(run)}/complete`, ending);
  }

  async deleteRun(run: string): Promise<void> {
    await this.#do("DELETE", pathOf(run));
  }

  streams(
    run: string,
    after = "",
    signal?: AbortSignal,
  ): Promise<{ streams: StreamInfo[]; next: string | null }> {
    const more = after && `&after=${encodeURIComponent(after)}`;
    return this.#get(`${pathOf(run)}/streams?limit=100${more}`, signal);
  }

  stream(run: string, key: string, signal?: AbortSignal): Promise<StreamInfo> {
    return this.#get(pathOf(run, key), signal);
  }

  async deleteStream(run: string, key: string): Promise<void> {
    await this.#do("DELETE", pathOf(run, key));
  }

  /** Close a stream for good. */
  async close(run: string, key: string, ending: Ending): Promise<void> {
    await this.#do("POST", `${chunksOf(run, "self", key)}/close`, ending);
  }

  /** Ask the producer of a stream to stop. */
  async stop(run: string, key: string): Promise<void> {
    await this.#do("POST", `${chunksOf(run, "self", key)}/stop`);
  }

  /** Up to *limit* chunks from *start* on that are there now. */
  chunks(
    run: string,
    key: string,
    start: number,
    limit: number,
    signal?: AbortSignal,
  ): Promise<{ chunks: RawChunk[]; tail: number }> {
    const query = `start=${start}&wait=0&limit=${limit}`;
    return this.#get(`${chunksOf(run, key)}?${query}`, signal, (text) => pageOf(text, true));
  }

  #get<T>(path: string, signal?: AbortSignal, read?: (text: string) => T): Promise<T> {
    return this.#ask(path, {}, signal, read);
  }

  #do(method: string, path: string, body?: unknown): Promise<unknown> {
    return this.#ask(path, { method, ...(body !== undefined && { body: JSON.stringify(body) }) });
  }

  async #ask<T>(
    path: string,
    init: RequestInit,
    signal?: AbortSignal,
    read: (text: string) => T = JSON.parse,
  ): Promise<T> {
    const response = await this.#fetch(path, init, signal);
    const date = Date.parse(response.headers.get("Date") ?? "");
    if (date) clock.learn(date);
    const text = await response.text().catch(() => "");
    const found = response.ok && parsed(text, read);
    if (found) return found;
    const { code, message, ...facts } = errorIn(parsed(text, JSON.parse));
    throw new ApiError(
      response.status,
      typeof code === "string" ? code : "unknown",
      typeof message === "string" ? message : `the server answered ${response.status}`,
      facts,
    );
  }

  async #fetch(path: string, init: RequestInit, signal?: AbortSignal): Promise<Response> {
    const headers = { Accept: "application/json", Authorization: `Bearer ${this.token}` };
    const asked = { ...init, headers, cache: "no-store", signal: limited(signal) } as const;
    try {
      return await fetch(this.base + path, asked);
    } catch (error) {
      if (signal?.aborted) throw error;
      throw new ApiError(0, "unreachable", "The server cannot be reached.");
    }
  }
}

/** The path of what is told of a run, or of a stream of it. */
function pathOf(run: string, key?: string): string {
  const stream = key === undefined ? "" : `/streams/${encodeURIComponent(key)}`;
  return `/api/v1/runs/${encodeURIComponent(run)}${stream}`;
}

/** The path of a stream's chunks. */
const chunksOf = (...names: string[]) =>
  `/realtime/v1/streams/${names.map(encodeURIComponent).join("/")}`;

/** How long an answer may take; none of these requests waits for news. */
const ANSWER_MS = 25_000;

function limited(signal?: AbortSignal): AbortSignal {
  const limit = AbortSignal.timeout(ANSWER_MS);
  return signal ? AbortSignal.any([signal, limit]) : limit;
}

/** Return what *read* makes of *text*; nothing when that is something else, such as a proxy's page. */
function parsed<T>(text: string, read: (text: string) => T): T | undefined {
  try {
    return read(text);
  } catch {
    return undefined;
  }
}

function errorIn(body: unknown): Record<string, unknown> {
  const error = (body as { error?: unknown } | undefined)?.error;
  return typeof error === "object" && error ? (error as Record<string, unknown>) : {};
}
