import { useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import type { Chunk } from "./chunk.js";
import type { StreamLike } from "./define.js";
import { useServer } from "./provider.js";
import type { ServerOptions } from "./requests.js";
import { hubOf } from "./runHub.js";
import { mayShare, SharedReader } from "./sharedReader.js";
import { StreamReader, type ReaderOptions } from "./streamReader.js";
import { report } from "./reporting.js";
import { stopProducer } from "./stopping.js";
import { NOTHING, StreamStore, type Snapshot } from "./streamStore.js";
import { useTokenName } from "./useTokenName.js";

/** How to read, and what to make of it. */
export interface RealtimeStreamOptions<T>
  extends
    ServerOptions,
    Pick<ReaderOptions<T>, "startIndex" | "from" | "timeoutInSeconds" | "transport" | "parse"> {
  /**
   * Is called with each chunk as soon as it is there, in order, and not when one no longer counts that
   * was: `parts` holds those that do.
   */
  onData?: (data: T, chunk: Chunk<T>) => void;
  /** `parts` changes at most this often; 16 unless given. */
  throttleInMs?: number;
  /** Nothing is read while this is false. */
  enabled?: boolean;
  /** `parts` holds the latest ones only. */
  maxParts?: number;
}

/** A stream, as a component sees it. */
export interface RealtimeStream<T> extends Snapshot<T> {
  /** Stop reading, and keep what is there. The producer goes on. */
  stop: () => void;
  /** Ask the producer to stop; the token needs the scope `stop` or `write`. */
  stopProducer: () => Promise<void>;
}

/** Streams that are being read, each by all components that want the same of it. */
const stores = new Map<string, StreamStore<any>>();

/** A component that has made a store and never shown itself: so long it is waited for. */
const NEVER_SHOWN_MS = 10_000;

/** Functions by number, so that a store's name can tell what its chunks are parsed by. */
const numbers = new WeakMap<object, number>();
let count = 0;

const nothing = () => () => {};

/** What may not be known yet. */
type Maybe = string | null | undefined;

/** Follow a stream of a run. A run that is not known yet (undefined or null) is waited for. */
export function useRealtimeStream<T>(
  stream: StreamLike<T>,
  runId: Maybe,
  options?: RealtimeStreamOptions<T>,
): RealtimeStream<T>;
export function useRealtimeStream<T>(
  runId: Maybe,
  key: Maybe,
  options?: RealtimeStreamOptions<T>,
): RealtimeStream<T>;
export function useRealtimeStream<T>(
  runId: Maybe,
  options?: RealtimeStreamOptions<T>,
): RealtimeStream<T>;
export function useRealtimeStream<T>(
  first: StreamLike<T> | Maybe,
  second?: Maybe | RealtimeStreamOptions<T>,
  third?: RealtimeStreamOptions<T>,
): RealtimeStream<T> {
  const { runId, key, options } = meaning(first, second, third);
  const server = useServer(options);
  const store = useStore(runId, key, options, server);
  useEffect(() => store?.renew(server.accessToken), [store, server.accessToken]);
  useOnData(store, options.onData);
  const snapshot = useSyncExternalStore<Snapshot<T>>(
    store?.subscribe ?? nothing,
    store?.snapshot ?? (() => (runId ? DISABLED : NOTHING)),
    () => NOTHING,
  );
  const stop = useCallback(() => store?.stop(), [store]);
  return {
    ...snapshot,
    stop,
    stopProducer: async () => void (runId && (await stopProducer(runId, key, server))),
  };
}

const DISABLED: Snapshot<never> = { ...NOTHING, status: "waiting" };

function meaning<T>(
  first: StreamLike<T> | Maybe,
  second?: Maybe | RealtimeStreamOptions<T>,
  third?: RealtimeStreamOptions<T>,
) {
  if (first && typeof first === "object") {
    return { runId: second as Maybe, key: first.id, options: third ?? {} };
  }
  const options = (second && typeof second === "object" ? second : third) ?? {};
  return { runId: first, key: typeof second === "string" ? second : "default", options };
}

function useStore<T>(
  runId: Maybe,
  key: string,
  options: RealtimeStreamOptions<T>,
  server: ServerOptions,
): StreamStore<T> | undefined {
  const { enabled = true, startIndex, from, timeoutInSeconds, transport } = options;
  const { throttleInMs = 16, maxParts = Infinity } = options;
  const { accessToken, baseURL } = server;
  const stream = JSON.stringify([baseURL, runId, key]);
  const token = useTokenName(accessToken, stream);
  // One that is written in the component is another one each time, and means the same.
  const [parse] = useState(() => options.parse);
  const reading = { startIndex, from, timeoutInSeconds, transport, parse };
  const shown = [throttleInMs, `${maxParts}`, numberOf(parse)];
  const name = JSON.stringify([stream, token, reading, ...shown]);
  return useMemo(() => {
    if (!enabled || !runId) return undefined;
    const found = stores.get(name);
    if (found) return found;
    const store: StreamStore<T> = new StreamStore<T>(
      (onStatus, accessToken, startIndex = reading.startIndex) => {
        const asking = { ...server, ...reading, accessToken, startIndex, onStatus };
        // Who names a transport wants it for this stream.
        if (transport || !mayShare(baseURL)) return new StreamReader<T>(runId, key, asking);
        return new SharedReader<T>(hubOf(runId, server, token), runId, key, asking);
      },
      { throttleInMs, maxParts, accessToken },
      () => stores.get(name) === store && stores.delete(name),
    );
    // On a server that renders, nobody subscribes.
    if (typeof window === "undefined") return store;
    stores.set(name, store);
    store.idleIn(NEVER_SHOWN_MS);
    return store;
    // Everything that matters is in the name.
  }, [name, enabled]);
}

function numberOf(parse: object | undefined): number | undefined {
  if (parse && !numbers.has(parse)) numbers.set(parse, (count += 1));
  return parse && numbers.get(parse);
}

function useOnData<T>(
  store: StreamStore<T> | undefined,
  onData: RealtimeStreamOptions<T>["onData"],
): void {
  const latest = useRef(onData);
  const seen = useRef<{ store?: StreamStore<T> | undefined; count: number }>({ count: 0 });
  useEffect(() => {
    latest.current = onData;
  });
  useEffect(() => {
    if (seen.current.store !== store) seen.current = { store, count: 0 };
    return store?.watch((chunk) => {
      seen.current.count += 1;
      report(() => latest.current?.(chunk.data, chunk));
    }, seen.current.count);
  }, [store]);
}
