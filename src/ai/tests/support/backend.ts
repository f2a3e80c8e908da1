/** The endpoint of an application: it says where answers are; what is in them the tests write. */

import { Chat } from "@ai-sdk/react";
import type { ChatInit, UIMessage } from "ai";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { RunStreamsChatTransport } from "../../src/index.js";
import type { RunStreamsChatTransportOptions } from "../../src/transport.js";
import { network, secret, Stream } from "../../../react/tests/support/lab.js";

const server = { token: secret, baseURL: network.url };

/** Where the answer is that *stream* holds, as the tests' server knows it. */
export const placeOf = ({ run, key }: Stream) => ({ run, key, ...server });

export class Backend {
  /** The streams of the latest answer; each question that is posted adds one, or begins with one. */
  streams: Stream[] = [];
  /** What was posted. */
  readonly posted: { id: string; messages: UIMessage[]; trigger: string }[] = [];
  /** What a post waits for. */
  mayAnswer: Promise<unknown> = Promise.resolve();
  /** What is answered to whoever reconnects to a chat without an answer. */
  none = 204;
  /** The token that a post is answered with; whoever asks again is given a good one. */
  token = secret;
  reconnects = 0;
  readonly #http = createServer((request, response) => void this.#handle(request, response));

  async [Symbol.asyncDispose]() {
    this.#http.closeAllConnections();
    this.#http.close();
  }

  async listen(): Promise<this> {
    await new Promise<void>((resolve) => this.#http.listen(0, "127.0.0.1", resolve));
    return this;
  }

  get api(): string {
    return `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}/api/chat`;
  }

  /** A chat as a page makes it, one each time it is loaded. */
  chat(init: ChatInit<UIMessage> = {}, options: RunStreamsChatTransportOptions<UIMessage> = {}) {
    const transport = new RunStreamsChatTransport({ api: this.api, ...options });
    return new Chat({ id: "chat_1", transport, ...init });
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const said = request.method === "POST" ? await this.#post(request) : this.#find();
    response.writeHead(said ? 200 : this.none, { "Content-Type": "application/json" });
    response.end(said && JSON.stringify(said));
  }

  async #post(request: IncomingMessage) {
    let body = "";
    for await (const piece of request) body += piece;
    const asked = JSON.parse(body);
    this.posted.push(asked);
    await this.mayAnswer;
    const stream = new Stream("ui");
    this.streams = asked.messages.at(-1).role === "user" ? [stream] : [...this.streams, stream];
    return { ...placeOf(stream), token: this.token };
  }

  #find() {
    this.reconnects += 1;
    return this.streams.length ? this.streams.map(placeOf) : undefined;
  }
}
