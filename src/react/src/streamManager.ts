import { StreamError } from "./errors.js";
import { iteratorOf, type Source } from "./sources.js";
import { StreamWriter, type WriterOptions } from "./streamWriter.js";

/** How to write for the published SDK. */
export interface ManagerOptions extends WriterOptions {
  /** Return the run that is meant by `self`, `parent`, `root` or nothing; needed in tasks only. */
  runOf?: (target: string | undefined) => string | undefined;
}

interface Operation {
  signal?: AbortSignal;
  target?: string;
}

/**
 * Lets the published SDK's `streams.pipe`, `append` and `writer` write in small batches, which are
 * readable at once also where bodies cannot be streamed, as through API Gateway. Register it with
 * `realtimeStreams.setGlobalManager`.
 */
export class StreamManager {
  readonly #options: ManagerOptions;

  constructor(options: ManagerOptions) {
    this.#options = options;
  }

  /** Write *source*, which is returned as well, to be read by whoever calls. */
  pipe<T>(key: string, source: AsyncIterable<T> | ReadableStream<T>, options: Operation = {}) {
    const writer = this.#writer<T>(key, options);
    const copy = new Copy<T>();
    // A task that fails is run again, and goes on with its stream.
    const done = writer
      .pipe(copy.of(source), options.signal, true)
      .then(() => (writer.lastIndex < 0 ? {} : { lastEventId: `${writer.lastIndex}` }));
    // Whoever waits gets to know; nobody has to.
    done.catch(() => {});
    return { stream: copy.stream as ReadableStream<T> & AsyncIterable<T>, wait: () => done };
  }

  /** Append one chunk. */
  async append(key: string, part: unknown, options: Operation = {}): Promise<void> {
    await this.#writer(key, options, { leaseInSeconds: 0 }).append(part);
  }

  #writer<T>(key: string, { target }: Operation, more: WriterOptions = {}): StreamWriter<T> {
    const isName = !target || ["self", "parent", "root"].includes(target);
    const run = isName ? this.#options.runOf?.(target) : target;
    if (!run) throw new StreamError(`no run is known as ${target ?? "self"}`, 0, "no_run");
    return new StreamWriter<T>(run, key, { ...this.#options, ...more });
  }
}

/** Most that waits for whoever reads a copy, in MiB of JSON. */
const COPIED_MIB = 64;

/** Counts *value* as JSON; what cannot be JSON is refused by the writer. */
function sizeOf(value: unknown): number {
  try {
    return typeof value === "string" ? value.length : JSON.stringify(value).length;
  } catch {
    return 0;
  }
}

/**
 * Gives what goes through a second time, to whoever reads `stream`; the first does not wait, and what
 * falls behind too far is let go.
 */
class Copy<T> {
  readonly stream: ReadableStream<T>;
  #to: ReadableStreamDefaultController<T> | undefined;

  constructor() {
    this.stream = new ReadableStream<T>(
      {
        start: (controller) => void (this.#to = controller),
        cancel: () => (this.#to = undefined),
      },
      { highWaterMark: COPIED_MIB * 2 ** 20, size: sizeOf },
    );
  }

  /** No generator: that would end, and end its source, with the next chunk only. */
  of(source: Source<T>): AsyncIterable<T> {
    const from = iteratorOf(source);
    const next = async () => {
      try {
        const result = await from.next();
        if (result.done) this.#end();
        else this.#give(result.value);
        return result;
      } catch (error) {
        this.#to?.error(error);
        this.#to = undefined;
        throw error;
      }
    };
    const end = async () => {
      this.#end();
      return (await from.return?.()) ?? { done: true as const, value: undefined };
    };
    return { [Symbol.asyncIterator]: () => ({ next, return: end }) };
  }

  #give(value: T): void {
    this.#to?.enqueue(value);
    if (!this.#to || this.#to.desiredSize! >= 0) return;
    const message = `more than ${COPIED_MIB} MiB waited to be read: the stream itself has them all`;
    this.#to.error(new StreamError(message, 0, "passed_by"));
    this.#to = undefined;
  }

  #end(): void {
    this.#to?.close();
    this.#to = undefined;
  }
}
