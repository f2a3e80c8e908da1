/** A server with one stream, as far as the page's feed asks for it: by long polls. */

import { vi } from "vitest";

export class FakeServer {
  values: unknown[] = [];
  /** Chunks' JSON, where it is not what JavaScript makes of their values. */
  written = new Map<number, string>();
  first = 0;
  closed: { status: string; error: string | null } | null = null;
  /** Which chunks no longer count. */
  superseded: [number, number][] | undefined;
  generation = "g1";
  /** Answers every request with this status, while it is set. */
  status = 0;
  /** Chunks of a page. */
  page = 10_000;
  /** The first index of each read. */
  starts: (number | undefined)[] = [];
  #waiting = new Set<() => void>();

  install(): void {
    vi.stubGlobal("fetch", (url: string, init: RequestInit) => this.#fetch(url, init));
    vi.stubGlobal("requestAnimationFrame", (call: () => void) => setTimeout(call, 1));
    vi.stubGlobal("cancelAnimationFrame", clearTimeout);
  }

  append(...values: unknown[]): void {
    this.values.push(...values);
    this.#wake();
  }

  /** Append a chunk whose JSON is *text*. */
  write(text: string): void {
    this.written.set(this.values.length, text);
    this.append(JSON.parse(text));
  }

  close(status = "completed", error: string | null = null): void {
    this.closed = { status, error };
    this.#wake();
  }

  /** Delete the stream, and begin it anew. */
  begin(...values: unknown[]): void {
    this.generation += "x";
    this.values = values;
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  async #fetch(url: string, init: RequestInit): Promise<Response> {
    const accept = (init.headers as Record<string, string>).Accept;
    if (accept === "text/event-stream") return refusal(422, "no_event_stream");
    const fields = new URL(url).searchParams;
    const start = fields.has("start") ? Number(fields.get("start")) : undefined;
    this.starts.push(start);
    if (this.status) return refusal(this.status, "some_code");
    return this.#read(start, Number(fields.get("wait")), init.signal!);
  }

  async #read(start: number | undefined, wait: number, signal: AbortSignal): Promise<Response> {
    const from = start ?? this.first;
    if (from < this.first) return refusal(410, "index_expired", { first_index: this.first });
    if (from > this.values.length) {
      return refusal(416, "index_beyond_tail", { tail: this.values.length });
    }
    if (wait && from === this.values.length && !this.closed) await this.#news(signal);
    const chunks = this.values.slice(from, from + this.page).map((_, n) => this.#chunk(from + n));
    const next_index = from + chunks.length;
    const closed = next_index >= this.values.length ? this.closed : null;
    const { superseded } = this;
    const rest = JSON.stringify({ next_index, tail: this.values.length, closed, superseded });
    return new Response(`{"chunks":[${chunks}],${rest.slice(1)}`);
  }

  #chunk(index: number): string {
    const data = this.written.get(index) ?? JSON.stringify(this.values[index]);
    const rest = JSON.stringify({ id: `${this.generation}-${index}`, timestamp: 1000 * index });
    return `{"index":${index},"data":${data},${rest.slice(1)}`;
  }

  #news(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.add(resolve);
      signal.addEventListener("abort", () => reject(signal.reason as Error));
    });
  }
}

function refusal(status: number, code: string, facts = {}): Response {
  return Response.json({ error: { code, message: code, ...facts } }, { status });
}
