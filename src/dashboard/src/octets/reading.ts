/** Reading a stream of bytes, by the open protocol: it alone gives bytes as they were written. */

import type { Api } from "../api.js";

/** One page of bytes, and where it leads. */
export interface Bytes {
  bytes: Uint8Array;
  next: string;
  isAtTail: boolean;
  isClosed: boolean;
}

/** The run of all streams whose names are not a run and a key. */
const OTHERS = "durable-streams";

/** How long a long poll may take. */
const ANSWER_MS = 40_000;

/** Where the stream is, as the server maps names; percent-encoded keys of `OTHERS` are names. */
export function pathOf(run: string, key: string): string {
  const names = run === OTHERS ? decodeURIComponent(key).split("/") : [run, key];
  return `/v1/stream/${names.map(encodeURIComponent).join("/")}`;
}

export const offsetOf = (index: number): string =>
  `${String(index).padStart(16, "0")}_${"0".repeat(16)}`;

/** Return the page from *offset* on; live, the first that is not empty. Raises what `failed` returns. */
export async function ask(
  api: Api,
  path: string,
  offset: string,
  isLive: boolean,
  signal: AbortSignal,
): Promise<Bytes> {
  const limited = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]);
  const response = await fetch(
    `${api.base}${path}?offset=${offset}${isLive ? "&live=long-poll" : ""}`,
    {
      headers: { Authorization: `Bearer ${api.token}` },
      cache: "no-store",
      signal: limited,
    },
  );
  const { status, headers } = response;
  if (!response.ok) throw failed(status, `the server answered ${status}`);
  return {
    bytes: new Uint8Array(await response.arrayBuffer()),
    next: headers.get("Stream-Next-Offset") ?? offset,
    isAtTail: headers.has("Stream-Up-To-Date"),
    isClosed: headers.has("Stream-Closed"),
  };
}

/** An error as those of the API: with its status, 0 where there was no answer. */
export const failed = (status: number, message: string): Failed =>
  Object.assign(new Error(message), { status });

export interface Failed extends Error {
  status: number;
}

/** Whether asking again may help. */
export const isPassing = ({ status }: Failed): boolean =>
  status === 0 || status === 429 || status >= 500;
