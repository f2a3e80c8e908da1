import {
  stopProducer,
  StreamReader,
  type ReaderOptions,
  type ServerOptions,
} from "@runstreams/react/reader";
import type { ChatTransport, HttpChatTransportInitOptions, UIMessage, UIMessageChunk } from "ai";
import { answerOf } from "./answer.js";
import { Endpoint, type Place, type Reconnecting, type Sending } from "./endpoint.js";
import { noteReconnection, unlessAborted, whenAborted, whenStopped } from "./stopping.js";

/** The options of the AI SDK's `DefaultChatTransport`, which say how to ask your endpoint, and how to read. */
export interface RunStreamsChatTransportOptions<M extends UIMessage>
  extends
    HttpChatTransportInitOptions<M>,
    Pick<ReaderOptions, "baseURL" | "timeoutInSeconds" | "readWhenHidden"> {}

type Answer = ReadableStream<UIMessageChunk>;

/**
 * Lets the answers of `useChat` travel through streams. Your endpoint writes an answer into a stream,
 * in the background, and says where that is; then it is read from there, also after a reload, in
 * another tab and on another device. Who stops the chat asks the producer to stop.
 */
export class RunStreamsChatTransport<M extends UIMessage = UIMessage> implements ChatTransport<M> {
  /** Tells the AI SDK that who reconnects is given the whole answer. */
  readonly resumeStreamIsReplay = true;
  readonly #options: RunStreamsChatTransportOptions<M>;
  readonly #endpoint: Endpoint<M>;

  constructor(options: RunStreamsChatTransportOptions<M> = {}) {
    this.#options = options;
    this.#endpoint = new Endpoint<M>(options);
  }

  /** Send the messages, and return the answer. Raises what the AI SDK's transports raise. */
  async sendMessages({ abortSignal, ...options }: Sending<M>): Promise<Answer> {
    // Not aborted: who stops before the place is known wants the producer stopped all the same.
    const asking = this.#endpoint.send({ ...options, abortSignal: undefined });
    whenStopped(options.chatId, abortSignal, () => this.#stopProducer(asking, options));
    return this.#read(await unlessAborted(asking, abortSignal), options, abortSignal);
  }

  /** Return the chat's latest answer from its beginning, null when there is none. Raises likewise. */
  async reconnectToStream({ abortSignal, ...options }: Reconnecting<M>): Promise<Answer | null> {
    noteReconnection(options.chatId);
    const places = await this.#endpoint.find({ ...options, abortSignal });
    if (!places.length || abortSignal?.aborted) return null;
    whenStopped(options.chatId, abortSignal, () => this.#stopProducer(places, options));
    return this.#read(places, options, abortSignal);
  }

  #read(places: Place[], asked: Reconnecting<M>, signal: AbortSignal | undefined): Answer {
    const readers = places.map((place) => this.#readerOf(place, asked));
    whenAborted(signal, () => readers.forEach((reader) => reader.stop()));
    return answerOf(readers);
  }

  #readerOf(place: Place, asked: Reconnecting<M>): StreamReader<unknown> {
    const { timeoutInSeconds, readWhenHidden } = this.#options;
    const options = { ...this.#serverOf(place, asked), timeoutInSeconds, readWhenHidden };
    return new StreamReader(place.run, keyOf(place), options);
  }

  #serverOf(place: Place, asked: Reconnecting<M>): ServerOptions {
    let isFirst = true;
    const accessToken = async () => {
      // The endpoint has another one when that has expired: for all who ask from now on.
      if (!isFirst) place.token = (await this.#again(place, asked))?.token ?? place.token;
      isFirst = false;
      return place.token ?? "";
    };
    return { baseURL: place.baseURL ?? this.#options.baseURL, accessToken };
  }

  async #again(place: Place, asked: Reconnecting<M>): Promise<Place | undefined> {
    const places = await this.#endpoint.find(asked);
    return places.find((one) => one.run === place.run && keyOf(one) === keyOf(place));
  }

  async #stopProducer(asking: Place[] | Promise<Place[]>, asked: Reconnecting<M>): Promise<void> {
    try {
      const place = (await asking).at(-1)!;
      await stopProducer(place.run, keyOf(place), this.#serverOf(place, asked));
    } catch (error) {
      console.warn("The producer could not be asked to stop:", error);
    }
  }
}

const keyOf = ({ key }: Place) => key ?? "default";
