import { StreamError } from "./errors.js";

/** One server-sent event. */
export interface ServerEvent {
  name: string;
  data: string;
}

/** Return where the events of *response* come from. Raises `no_event_stream` where it has none. */
export function bodyOf({ headers, body }: Response): ReadableStream<Uint8Array> {
  if (body && headers.get("Content-Type")?.startsWith("text/event-stream")) return body;
  throw new StreamError("the server sends no event streams", 422, "no_event_stream");
}

/** Makes events of the pieces of a `text/event-stream`, wherever they were cut. */
export class EventDecoder {
  #rest = "";
  #name = "";
  #data: string[] = [];

  /** Return the events that *piece* completes. One that is torn off at the end never counts. */
  decode(piece: string): ServerEvent[] {
    this.#rest += piece;
    const events: ServerEvent[] = [];
    // A carriage return that ends the piece may be half of a line's end.
    const lines = this.#rest.split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop()!;
    for (const line of lines) {
      if (line) this.#field(line);
      else this.#dispatch(events);
    }
    return events;
  }

  #field(line: string): void {
    const [, name, value] = /^([^:]*):? ?(.*)$/s.exec(line)!;
    if (name === "data") this.#data.push(value!);
    if (name === "event") this.#name = value!;
  }

  #dispatch(events: ServerEvent[]): void {
    if (this.#data.length) events.push({ name: this.#name, data: this.#data.join("\n") });
    this.#name = "";
    this.#data = [];
  }
}
