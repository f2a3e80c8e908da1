import { StreamError } from "./errors.js";
import { Token, type AccessToken } from "./token.js";

/** Where the server is, and who asks. */
export interface ServerOptions {
  /** The server's address; the page's own origin unless given. */
  baseURL?: string;
  /** Nothing is sent unless given; then the server needs another way to know who asks. */
  accessToken?: AccessToken;
  /** The `fetch` to use. */
  fetch?: typeof fetch;
}

/** Asks the server about one stream, or about its run. */
export class Requests {
  readonly base: string;
  readonly #token: Token;
  readonly #fetch: typeof fetch;

  constructor(
    private readonly run: string,
    private readonly key: string,
    options: ServerOptions,
  ) {
    this.base = (options.baseURL ?? "").replace(/\/+$/, "");
    this.#token = new Token(options.accessToken);
    this.#fetch = options.fetch ?? ((...given) => fetch(...given));
  }

  /** Read from the stream. Raises `StreamError`, or what `fetch` raises. */
  read(query: string, init: RequestInit, base = this.base, kind = "streams"): Promise<Response> {
    return this.#send(`${base}/realtime/v1/${kind}/${this.#path()}${query}`, init);
  }

  /** Read several streams of the run. Raises likewise. */
  follow(query: string, init: RequestInit, base = this.base): Promise<Response> {
    return this.#send(
      `${base}/realtime/v1/runs/${encodeURIComponent(this.run)}/follow${query}`,
      init,
    );
  }

  /** Write to the stream, or *call* something of it. Raises likewise. */
  write(call: string, init: RequestInit): Promise<Response> {
    return this.#send(`${this.base}/realtime/v1/streams/${this.#path("self/")}${call}`, init);
  }

  #path(target = ""): string {
    return `${encodeURIComponent(this.run)}/${target}${encodeURIComponent(this.key)}`;
  }

  /** Send, and once more with a new token when the one in use is no longer good. */
  async #send(url: string, init: RequestInit, again = true): Promise<Response> {
    const headers = { ...(init.headers as object), ...(await this.#token.headers()) };
    const response = await this.#fetch(url, { cache: "no-store", ...init, headers });
    if (response.status === 401 && again && this.#token.forget()) {
      return this.#send(url, init, false);
    }
    if (!response.ok) throw await StreamError.from(response);
    return response;
  }
}
