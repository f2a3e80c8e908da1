/** What is to be said of a run or a stream as it is. */

import type { RunInfo, StreamInfo } from "./api.js";
import { age, count, duration } from "./format.js";

export type Mark = "live" | "done" | "failed" | "quiet" | "waiting";

const MARKS: Record<string, Mark> = {
  running: "live",
  open: "live",
  completed: "done",
  failed: "failed",
  lost: "failed",
  canceled: "quiet",
};

export const markOfRun = ({ status }: RunInfo): Mark => MARKS[status]!;

export const markOf = ({ closed }: StreamInfo): Mark => MARKS[closed?.status ?? "open"]!;

/** Whether it was closed since nothing was heard of its producer. */
export const isLost = ({ closed }: StreamInfo): boolean => closed?.code === "producer_lost";

/** Why a stream ended, in words of whoever closed it, or in ours. */
export function reasonOf(info: StreamInfo): string | null {
  const error = info.closed?.error ?? null;
  return isLost(info) && error ? `${capital(error)}. What it had written is kept.` : error;
}

/** Why a run ended; or what it means that its producer was lost. */
export function reasonOfRun({ status, error, leased_until }: RunInfo, now: number): string | null {
  if (status !== "lost") return error;
  const since =
    leased_until === null ? "" : `, though it had promised that until ${age(leased_until, now)}`;
  return (
    `Its producer is lost: nothing was heard of it${since}. ` +
    "The run goes on as soon as it is heard of; if it is gone for good, complete the run."
  );
}

/** When the producer of an open stream is to be heard of. */
export function leaseOf({ closed, leased_until }: StreamInfo, now: number): string | null {
  if (closed || leased_until === null) return null;
  return leased_until > now ? `due within ${duration(leased_until - now)}` : "overdue";
}

export interface Nothing {
  title: string;
  text: string;
}

/** What to say of a run without streams. */
export function nothingIn(info: RunInfo | undefined): Nothing {
  if (!info) {
    const text =
      "It may not have begun, or have expired, or its id may be another. This page waits, and shows " +
      "its streams as soon as something is written:";
    return { title: "Nothing is known of this run yet", text };
  }
  if (info.completed) {
    const text =
      "Nothing was written to it, or what was has been deleted or has expired. It takes no more.";
    return { title: `${capital(info.status)}, without streams`, text };
  }
  const text =
    "The run is registered, and nothing is written. This page shows streams as they come.";
  return { title: "No streams yet", text };
}

/** What to say of a stream without chunks, of a *run* that may be known. */
export function nothingOf(
  info: StreamInfo | undefined,
  run: RunInfo | undefined,
  isClosed = !!info?.closed,
): Nothing {
  if (!info && run?.completed && !isClosed) {
    const text = `The run is ${run.status}. This stream was never written, or was deleted, or has expired.`;
    return { title: "There is no such stream", text };
  }
  if (!info && !isClosed) {
    const text =
      "Nothing is known of this stream: it may not have begun, or have been deleted or have expired. " +
      "It appears here as soon as something is written to it.";
    return { title: "Nothing yet, waiting", text };
  }
  if (info && info.tail > 0 && info.first_index >= info.tail) {
    const text = `All ${count(info.tail)} were kept for as long as the server keeps any.`;
    return { title: "Its chunks have expired", text };
  }
  if (isClosed) {
    const text = "The stream is closed, and has no chunks.";
    return { title: "Nothing was written", text };
  }
  const text = "Chunks appear here as they are written.";
  return { title: "Nothing yet, waiting", text };
}

/** How the streams of a run expire, beside the run itself. */
export function expiryOf(run: RunInfo, streams: StreamInfo[], now: number): string {
  if (!streams.length) return "";
  const times = streams.map(({ expires }) => expires);
  const first = age(Math.min(...times), now);
  const last = age(Math.max(...times), now);
  if (first !== last) return `its streams ${first} to ${last.replace("in ", "")}`;
  return first === age(run.expires, now) ? "with its streams" : `its streams ${first}`;
}

export const EXPIRY =
  "Each stream is kept for as long after its last chunk as the server keeps any; the run's own record outlives them.";

const capital = (word: string) => word[0]!.toUpperCase() + word.slice(1);
