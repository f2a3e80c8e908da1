import { useCallback, useEffect, useMemo, useSyncExternalStore } from "react";
import type { Chunk } from "./chunk.js";
import { useServer } from "./provider.js";
import type { ServerOptions } from "./requests.js";
import { hubOf } from "./runHub.js";
import { NO_RUN, RunStore, type RunSnapshot } from "./runStore.js";
import { useTokenName } from "./useTokenName.js";

/** How to read a run, and what to make of it. */
export interface RealtimeRunOptions<T> extends ServerOptions {
  /** Is called with each chunk as soon as it is there, those of one stream in order. */
  onData?: (key: string, chunk: Chunk<T>) => void;
  /** `streams` changes at most this often; 16 unless given. */
  throttleInMs?: number;
  /**
   * Seconds of silence of all streams after which it ends. Unless given, silence is waited out as long
   * as somebody has promised to be heard of, or nothing was ever written; 60 seconds without end it.
   */
  timeoutInSeconds?: number;
  /** Nothing is read while this is false. */
  enabled?: boolean;
}

/** All streams of a run, as a component sees them. */
export interface RealtimeRun<T> extends RunSnapshot<T> {
  /** Stop reading, and keep what is there. */
  stop: () => void;
}

const nothing = () => () => {};
const DISABLED: RunSnapshot<never> = { ...NO_RUN, status: "waiting" };

/**
 * Follow all streams of a run, those too that come later, until it is completed. A run that is not
 * known yet (undefined or null) is waited for.
 */
export function useRealtimeRun<T>(
  runId: string | null | undefined,
  options: RealtimeRunOptions<T> = {},
): RealtimeRun<T> {
  const { enabled = true, throttleInMs = 16, timeoutInSeconds, onData } = options;
  const server = useServer(options);
  const { accessToken, baseURL } = server;
  const token = useTokenName(accessToken, JSON.stringify([baseURL, runId]));
  const store = useMemo(
    () =>
      enabled && runId
        ? new RunStore<T>(() => hubOf(runId, server, token), throttleInMs, timeoutInSeconds)
        : undefined,
    // Everything else of the server is asked for when it is needed.
    [enabled, runId, baseURL, token, throttleInMs, timeoutInSeconds],
  );
  useEffect(() => {
    if (store) store.onData = onData;
  });
  useEffect(() => store?.renew(accessToken), [store, accessToken]);
  const snapshot = useSyncExternalStore<RunSnapshot<T>>(
    store?.subscribe ?? nothing,
    store?.snapshot ?? (() => (runId ? DISABLED : NO_RUN)),
    () => NO_RUN,
  );
  const stop = useCallback(() => store?.stop(), [store]);
  return { ...snapshot, stop };
}
