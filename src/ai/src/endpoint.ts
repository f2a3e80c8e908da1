import {
  HttpChatTransport,
  type ChatTransport,
  type HttpChatTransportInitOptions,
  type UIMessage,
  type UIMessageChunk,
} from "ai";

export type Sending<M extends UIMessage> = Parameters<ChatTransport<M>["sendMessages"]>[0];
export type Reconnecting<M extends UIMessage> = Parameters<
  ChatTransport<M>["reconnectToStream"]
>[0];

/** Where an answer is: a stream of UI message chunks, and what opens it. */
export interface Place {
  run: string;
  /** `default` unless said. */
  key?: string;
  /** A public token that reads the run, and may ask its producer to stop. */
  token?: string;
  /** The address of the server of streams; that of the transport, and else the page's origin, unless said. */
  baseURL?: string;
}

/**
 * Asks your endpoint where answers are, with the requests that the AI SDK sends itself, and with its
 * options. It raises what that raises.
 */
export class Endpoint<M extends UIMessage> extends HttpChatTransport<M> {
  constructor(options: HttpChatTransportInitOptions<M>) {
    super({ ...options, fetch: noneWhere404(options.fetch) });
  }

  /** Send the chat's messages; return where the answer to them is. */
  async send(options: Sending<M>): Promise<Place[]> {
    const places = await placesIn(await this.sendMessages(options));
    if (!places.length) throw new TypeError(WANTED);
    return places;
  }

  /** Return where the chat's latest answer is; nothing when there is none. */
  async find(options: Reconnecting<M>): Promise<Place[]> {
    const body = await this.reconnectToStream(options);
    return body ? placesIn(body) : [];
  }

  protected processResponseStream(body: ReadableStream<any>): ReadableStream<UIMessageChunk> {
    // It holds no chunks, but where they are: only this class takes it.
    return body;
  }
}

/** The AI SDK takes 204 alone for "there is none". */
function noneWhere404(given?: typeof fetch): typeof fetch {
  return async (url, init) => {
    const response = await (given ?? fetch)(url, init);
    const isNone = init?.method === "GET" && response.status === 404;
    return isNone ? new Response(null, { status: 204 }) : response;
  };
}

const WANTED = "the endpoint must answer with the run of the answer: { run, key, token }";

/** Read the answer of the endpoint: a place, or several, one after another. Raises `TypeError`. */
async function placesIn(body: ReadableStream<any>): Promise<Place[]> {
  const places = [(await new Response(body).json()) ?? []].flat() as (Place | null)[];
  if (places.every((place) => typeof place?.run === "string")) return places as Place[];
  throw new TypeError(WANTED);
}
