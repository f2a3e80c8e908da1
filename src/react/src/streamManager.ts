import { StreamError } from "./errors.js";
import { iterate } from "./sources.js";
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
    const done = writer
      .pipe(copy.of(iterate(source, options.signal)))
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

/** Gives what goes through a second time, to whoever reads `stream`; the first does not wait. */
class Copy<T> {
  readonly stream: ReadableStream<T>;
  #to: ReadableStreamDefaultController<T> | undefined;

  constructor() {
    this.stream = new ReadableStream<T>({
      start: (controller) => void (this.#to = controller),
      cancel: () => (this.#to = undefined),
    });
  }

  async *of(source: AsyncIterable<T>): AsyncGenerator<T, void, undefined> {
    try {
      for await (const chunk of source) {
        this.#to?.enqueue(chunk);
        yield chunk;
      }
      this.#to?.close();
    } catch (error) {
      this.#to?.error(error);
      throw error;
    }
  }
}
