/** A whole stream as a file: read again from its first chunk, into the browser's own store. */

import type { Api, RawChunk } from "../api.js";
import { ApiError } from "../api.js";
import { keep } from "../chunks.js";
import { Joiner } from "./text.js";

export type Form = "jsonl" | "text";

/** Chunks of a page: few enough to be read without keeping the page from answering. */
const PAGE = 4000;
const TRIES = 5;

/**
 * Return the chunks from *first* up to *tail*. *progress* is told the share that is done. Raises
 * `ApiError`, or what *signal* aborts with.
 */
export async function download(
  ask: (start: number) => Promise<RawChunk[]>,
  first: number,
  tail: number,
  form: Form,
  progress: (share: number) => void,
  signal: AbortSignal,
): Promise<Blob> {
  const parts: Blob[] = [];
  const joiner = new Joiner();
  for (let next = first; next < tail;) {
    const chunks = (await ask(next)).filter(({ index }) => index < tail);
    signal.throwIfAborted();
    if (!chunks.length) break;
    const text = chunks.map((chunk) =>
      form === "text" ? joiner.join(keep(chunk)) : `${chunk.data}\n`,
    );
    // A blob may live outside the page's memory, on the disk.
    parts.push(new Blob(text));
    next = chunks[chunks.length - 1]!.index + 1;
    progress((next - first) / (tail - first));
  }
  const type = form === "text" ? "text/plain;charset=utf-8" : "application/jsonl";
  return new Blob(parts, { type });
}

/** Return what asks for pages of a stream, and tries again when that may help. */
export function asking(
  api: Api,
  run: string,
  key: string,
  signal: AbortSignal,
): (start: number) => Promise<RawChunk[]> {
  return async (start) => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return (await api.chunks(run, key, start, PAGE, signal)).chunks;
      } catch (error) {
        const status = error instanceof ApiError ? error.status : 0;
        if (signal.aborted || attempt === TRIES || (status > 0 && status < 500)) throw error;
        await new Promise((resolve) => setTimeout(resolve, 500 * 2 ** attempt));
      }
    }
  };
}

/** A name that any file system takes. */
export function fileName(run: string, key: string, form: Form): string {
  const name = `${run}-${key}`.replace(/[^\w.-]+/g, "_").slice(0, 120);
  return `${name}.${form === "text" ? "txt" : "jsonl"}`;
}

export function save(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  // The browser takes the address when it begins; it is given time for that.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
