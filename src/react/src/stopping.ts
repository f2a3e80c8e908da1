import { Requests, type ServerOptions } from "./requests.js";

/** Ask a stream's producer to stop; the token needs the scope `stop` or `write`. Raises `StreamError`. */
export const stopProducer = (run: string, key: string, server: ServerOptions): Promise<unknown> =>
  new Requests(run, key, server).write("/stop", { method: "POST" });
