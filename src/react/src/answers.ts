import type { Chunk, Closed, Span } from "./chunk.js";
import type { ServerEvent } from "./events.js";
import { membersOf } from "./jsonText.js";

/** What is said of a stream in silence. */
export interface Sign {
  tail?: number;
  /** Until when a producer has promised to be heard of, in milliseconds since 1970. */
  leased_until?: number | null;
}

/** What either transport brings: chunks, and the tail at that moment. */
export interface Answer<T> extends Sign {
  chunks: Chunk<T>[];
  tail: number;
  /** The end, when this reaches it. */
  closed?: Closed | null;
  /** Which chunks of the stream no longer count; left out where all do. */
  superseded?: Span[];
  /** Which stream it is of, where it has no chunks whose ids would say so, and the server does. */
  generation?: string;
  /** A cache in front gives pages to many readers. */
  shared?: boolean;
  /** What to ask such a cache with next, after nothing came. */
  cursor?: number;
}

interface Ping {
  tail?: { seq_num: number };
  leased_until?: number | null;
}

interface Batch {
  records?: { seq_num: number; timestamp: number; body?: string; headers?: unknown[] }[];
  tail?: { seq_num: number };
  superseded?: Span[];
}

/**
 * Return what a `batch` says; nothing for other events, which are signs of life at most. With
 * *isRaw* the data of chunks are their JSON as it was written.
 */
export function answerOf<T>(event: ServerEvent, isRaw?: boolean): Answer<T> | undefined {
  if (event.name !== "batch") return undefined;
  const batch = JSON.parse(event.data) as Batch;
  const chunks = (batch.records ?? []).map(({ seq_num, timestamp, body = "{}" }) => {
    const { data, id } = JSON.parse(body) as { data: T; id: string };
    return { index: seq_num, data: isRaw ? dataIn<T>(body) : data, id, timestamp };
  });
  return { chunks, tail: batch.tail?.seq_num ?? Infinity, superseded: batch.superseded };
}

/** Return what a `ping` says. */
export function signOf(event: ServerEvent): Sign {
  const { tail, leased_until } = JSON.parse(event.data) as Ping;
  return { tail: tail?.seq_num, leased_until };
}

/** Return the answer to a long poll; with *isRaw* likewise. */
export function pageOf<T>(text: string, isRaw?: boolean): Answer<T> {
  const answer = JSON.parse(text) as Answer<T> & { next_index: number };
  // Of what many share it is only said that there is more.
  answer.tail ??= answer.next_index + 1;
  if (isRaw) {
    membersOf(textIn(text, "chunks")).forEach(
      ([, chunk], n) => (answer.chunks[n]!.data = dataIn<T>(chunk)),
    );
  }
  return answer;
}

/** Return the text of a member of the object that is *text*. */
export const textIn = (text: string, name: string) =>
  membersOf(text).find(([found]) => found === name)?.[1] ?? "null";

/** Whoever asks for texts has a `T` that is a text. */
const dataIn = <T>(text: string) => textIn(text, "data") as T;
