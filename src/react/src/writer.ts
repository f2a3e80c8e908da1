export type { Closed } from "./chunk.js";
export { StreamError } from "./errors.js";
export type { ServerOptions } from "./requests.js";
export type { Source } from "./sources.js";
export { StreamManager, type ManagerOptions } from "./streamManager.js";
export { StreamWriter, type WriterOptions } from "./streamWriter.js";
export type { AccessToken } from "./token.js";
