"use client";

export type { Chunk, Closed, Status } from "./chunk.js";
export type { DefinedStream, InferStreamType, StreamLike } from "./define.js";
export { StreamError } from "./errors.js";
export { RunStreamsProvider } from "./provider.js";
export type { ServerOptions } from "./requests.js";
export type { AccessToken } from "./token.js";
export type { StreamOfRun } from "./runStore.js";
export { useRealtimeRun, type RealtimeRun, type RealtimeRunOptions } from "./useRealtimeRun.js";
export {
  useRealtimeStream,
  type RealtimeStream,
  type RealtimeStreamOptions,
} from "./useRealtimeStream.js";
