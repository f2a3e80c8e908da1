import {
  stopProducer,
  StreamReader,
  type ReaderOptions,
  type ServerOptions,
} from "@runstreams/react/reader";
import type { ChatTransport, HttpChatTransportInitOptions, UIMessage, UIMessageChunk } from "ai";
import { answerOf } from "./answer.js";
import { Endpoint, type Place, type Reconnecting, type Sending } from "./endpoint.js";

/** The options of the AI SDK's `DefaultChatTransport`, which say how to ask your endpoint, and how to read. */
export interface RunStreamsChatTransportOptions<M extends UIMessage>
  extends
    HttpChatTransportInitOptions<M>,
    Pick<ReaderOptions, "baseURL" | "timeoutInSeconds" | "readWhenHidden"> {}

type Answer = ReadableStream<UIMessageChunk>;

/** The latest reconnection of any chat, whichever transport made it. */
let latest: { chatId: string } | undefined;

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
    const places = await this.#endpoint.send({ ...options, abortSignal: undefined });
    return this.#read(places, options, abortSignal);
  }

  /** Return the chat's latest answer from its beginning, null when there is none. Raises likewise. */
  async reconnectToStream({ abortSignal, ...options }: Reconnecting<M>): Promise<Answer | null> {
    latest = { chatId: options.chatId };
    const places = await this.#endpoint.find({ ...options, abortSignal });
    return places && !abortSignal?.aborted ? this.#read(places, options, abortSignal) : null;
  }

  #read(places: Place[], asked: Reconnecting<M>, signal: AbortSignal | undefined): Answer {
    const readers = places.map((place) => this.#readerOf(place, asked));
    const stop = () => {
      const before = latest;
      readers.forEach((reader) => reader.stop());
      queueMicrotask(() => {
        // Whoever reconnects aborts the reading before in the same breath, and wants nothing stopped.
        const isReconnected = latest !== before && latest!.chatId === asked.chatId;
        if (!isReconnected) void this.#stopProducer(places.at(-1)!, asked);
      });
    };
    if (signal?.aborted) stop();
    signal?.addEventListener("abort", stop);
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
    return places?.find((one) => one.run === place.run && keyOf(one) === keyOf(place));
  }

  async #stopProducer(place: Place, asked: Reconnecting<M>): Promise<void> {
    try {
      await stopProducer(place.run, keyOf(place), this.#serverOf(place, asked));
    } catch (error) {
      console.warn("The producer could not be asked to stop:", error);
    }
  }
}

const keyOf = ({ key }: Place) => key ?? "default";
