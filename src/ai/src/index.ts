export type { Place } from "./endpoint.js";
export { RunStreamsChatTransport, type RunStreamsChatTransportOptions } from "./transport.js";
