/** What can be done to runs and streams, in words that say what will happen. */

import type { Api, Ending, RunInfo, Status, StreamInfo } from "./api.js";
import { counted, size } from "./format.js";
import { may, type Claims, type Resource } from "./token.js";

export interface Deed {
  /** What a menu says. */
  name: string;
  title: string;
  /** What will happen. */
  says: string[];
  /** What the button says that does it. */
  button: string;
  /** Whether it cannot be undone. */
  isFinal: boolean;
  /** The scope that it needs. */
  wanted: string;
  /** How it ends what it ends, unless one chooses otherwise. */
  ending?: Status;
  do(api: Api, ending: Ending): Promise<void>;
  /** What was done. */
  done: string;
  /** Whether what it was done to is no more. */
  isGone?: boolean;
}

const FOR_GOOD = "This cannot be undone.";

/** Return what the holder of *claims* may do to a stream as it is. */
export function deedsOfStream(claims: Claims | undefined, info: StreamInfo): Deed[] {
  const { run, key } = info;
  const resources: Resource[] = [
    ["runs", run],
    ["streams", `${run}/${key}`],
  ];
  const deeds: Deed[] = [];
  if (!info.closed && !info.stop && may(claims, ["stop", "write"], ...resources))
    deeds.push(stop(info));
  if (!info.closed && may(claims, ["write"], ...resources)) deeds.push(close(info));
  if (may(claims, ["manage"], ...resources)) deeds.push(remove(info));
  return deeds;
}

/** Return what they may do to a run, of which these *streams* are known. */
export function deedsOfRun(
  claims: Claims | undefined,
  run: RunInfo,
  streams: StreamInfo[],
): Deed[] {
  const open = streams.filter(({ closed }) => !closed);
  const asked = open.filter(({ stop }) => !stop);
  const deeds: Deed[] = [];
  if (asked.length && may(claims, ["stop", "write"], ["runs", run.id]))
    deeds.push(stopAll(run.id, asked));
  if (may(claims, ["manage"], ["runs", run.id])) {
    if (!run.completed) deeds.push(complete(run.id, open.length));
    deeds.push(removeRun(run.id, streams));
  }
  return deeds;
}

const ASKED = [
  "Whoever writes is told with the next answer, and should then end by itself.",
  "The stream stays open until its producer closes it; nothing is lost.",
];

const stop = ({ run, key }: StreamInfo): Deed => ({
  name: "Ask to stop…",
  title: `Ask the producer of “${key}” to stop?`,
  says: ASKED,
  button: "Ask to stop",
  isFinal: false,
  wanted: `stop:streams:${run}/${key}`,
  do: (api) => api.stop(run, key),
  done: "Asked to stop",
});

const stopAll = (run: string, streams: StreamInfo[]): Deed => ({
  name: "Ask to stop…",
  title: "Ask the producers of this run to stop?",
  says: [`${counted(streams.length, "stream")} of it ${are(streams.length)} open.`, ...ASKED],
  button: "Ask to stop",
  isFinal: false,
  wanted: `stop:runs:${run}`,
  do: async (api) => void (await Promise.all(streams.map(({ key }) => api.stop(run, key)))),
  done: "Asked to stop",
});

const close = ({ run, key }: StreamInfo): Deed => ({
  name: "Close…",
  title: `Close “${key}”?`,
  says: [
    "Readers end once they have read everything. Whoever writes on is refused.",
    `It can be read until it expires. ${FOR_GOOD}`,
  ],
  button: "Close the stream",
  isFinal: true,
  ending: "canceled",
  wanted: `write:streams:${run}/${key}`,
  do: (api, ending) => api.close(run, key, ending),
  done: "Closed",
});

const remove = ({ run, key, tail, bytes, closed }: StreamInfo): Deed => ({
  name: "Delete…",
  title: `Delete “${key}”?`,
  says: [
    `Its ${counted(tail, "chunk")} (${size(bytes)}) are gone for everybody. ${FOR_GOOD}`,
    ...(closed
      ? []
      : ["It is open: whoever writes on begins a new stream of this name, at index 0."]),
  ],
  button: "Delete the stream",
  isFinal: true,
  wanted: `manage:streams:${run}/${key}`,
  do: (api) => api.deleteStream(run, key),
  done: "Deleted",
  isGone: true,
});

const complete = (run: string, open: number): Deed => ({
  name: "Complete…",
  title: "Complete this run?",
  says: [
    open
      ? `Its ${counted(open, "open stream")} ${are(open)} closed as it ends. Whoever writes on is refused.`
      : "No stream of it takes chunks any more.",
    `What there is can be read until it expires. ${FOR_GOOD}`,
  ],
  button: "Complete the run",
  isFinal: true,
  ending: "completed",
  wanted: `manage:runs:${run}`,
  do: (api, ending) => api.complete(run, ending),
  done: "Completed",
});

const removeRun = (run: string, streams: StreamInfo[]): Deed => ({
  name: "Delete…",
  title: "Delete this run?",
  says: [
    streams.length
      ? `It is gone for everybody, with all its streams and their chunks. ${FOR_GOOD}`
      : `It has no streams. ${FOR_GOOD}`,
    ...(streams.some(({ closed }) => !closed)
      ? ["Some of them are open: whoever writes on begins the run anew."]
      : []),
  ],
  button: "Delete the run",
  isFinal: true,
  wanted: `manage:runs:${run}`,
  do: (api) => api.deleteRun(run),
  done: "Deleted",
  isGone: true,
});

const are = (number: number) => (number === 1 ? "is" : "are");
