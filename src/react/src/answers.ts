import type { Chunk, Closed } from "./chunk.js";
import type { ServerEvent } from "./events.js";

/** What either transport brings: chunks, and the tail at that moment. */
export interface Answer<T> {
  chunks: Chunk<T>[];
  tail: number;
  /** The end, when this reaches it. */
  closed?: Closed | null;
}

interface Batch {
  records?: { seq_num: number; timestamp: number; body?: string; headers?: unknown[] }[];
  tail?: { seq_num: number };
}

/** Return what a `batch` says; nothing for other events, which are signs of life at most. */
export function answerOf<T>(event: ServerEvent): Answer<T> | undefined {
  if (event.name !== "batch") return undefined;
  const batch = JSON.parse(event.data) as Batch;
  const chunks = (batch.records ?? []).map((record) => {
    const { data, id } = JSON.parse(record.body ?? "{}") as { data: T; id: string };
    return { index: record.seq_num, data, id, timestamp: record.timestamp };
  });
  return { chunks, tail: batch.tail?.seq_num ?? Infinity };
}
