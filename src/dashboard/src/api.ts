/** What the page asks the server for, besides chunks. */

import { pageOf } from "../../react/src/answers.js";
import type { Chunk } from "../../react/src/reader.js";
import { clock } from "./clock.js";

export interface RunInfo {
  id: string;
  created: number;
  expires: number;
  parent: string | null;
  root: string | null;
  completed: number | null;
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
  closed: { status: "completed" | "failed" | "canceled"; error: string | null } | null;
  stop: boolean;
  /** At most 64 are counted; older servers do not count them. */
  writers?: number;
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

/** Asks with one token. */
export class Api {
  constructor(
    readonly base: string,
    readonly token: string,
  ) {}

  runs(after = "", signal?: AbortSignal): Promise<{ runs: RunInfo[]; next: string | null }> {
    return this.#get(
      `/api/v1/runs?limit=50${after && `&after=${encodeURIComponent(after)}`}`,
      signal,
    );
  }

  run(run: string, signal?: AbortSignal): Promise<RunInfo> {
    return this.#get(`/api/v1/runs/${encodeURIComponent(run)}`, signal);
  }

  streams(
    run: string,
    after = "",
    signal?: AbortSignal,
  ): Promise<{ streams: StreamInfo[]; next: string | null }> {
    const more = after && `&after=${encodeURIComponent(after)}`;
    return this.#get(`/api/v1/runs/${encodeURIComponent(run)}/streams?limit=100${more}`, signal);
  }

  stream(run: string, key: string, signal?: AbortSignal): Promise<StreamInfo> {
    const path = `${encodeURIComponent(run)}/streams/${encodeURIComponent(key)}`;
    return this.#get(`/api/v1/runs/${path}`, signal);
  }

  /** Up to *limit* chunks from *start* on that are there now. */
  chunks(
    run: string,
    key: string,
    start: number,
    limit: number,
    signal?: AbortSignal,
  ): Promise<{ chunks: RawChunk[]; tail: number }> {
    const path = `${encodeURIComponent(run)}/${encodeURIComponent(key)}`;
    const query = `start=${start}&wait=0&limit=${limit}`;
    return this.#get(`/realtime/v1/streams/${path}?${query}`, signal, (text) => pageOf(text, true));
  }

  async #get<T>(
    path: string,
    signal?: AbortSignal,
    read: (text: string) => T = JSON.parse,
  ): Promise<T> {
    const response = await this.#fetch(path, signal);
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

  async #fetch(path: string, signal?: AbortSignal): Promise<Response> {
    const headers = { Accept: "application/json", Authorization: `Bearer ${this.token}` };
    try {
      return await fetch(this.base + path, { headers, cache: "no-store", signal: limited(signal) });
    } catch (error) {
      if (signal?.aborted) throw error;
      throw new ApiError(0, "unreachable", "The server cannot be reached.");
    }
  }
}

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
