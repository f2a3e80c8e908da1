export type { Chunk, Closed, Page, Span, Status } from "./chunk.js";
export { StreamError } from "./errors.js";
export type { ServerOptions } from "./requests.js";
export { stopProducer } from "./stopping.js";
export { StreamReader, type ReaderOptions, type Transport } from "./streamReader.js";
export { counting } from "./superseding.js";
export type { AccessToken } from "./token.js";
