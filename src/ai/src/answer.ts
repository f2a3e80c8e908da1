import { StreamReader, type Page } from "@runstreams/react/reader";
import type { UIMessageChunk } from "ai";
import { endingOf, failure } from "./ending.js";
import { faultOf, known } from "./knowing.js";
import { merged } from "./merging.js";

type Pages = AsyncGenerator<UIMessageChunk[], void, undefined>;

/**
 * Return the UI message chunks of the streams that *readers* read, one stream after the other. It ends
 * with an error where one of them is not whole. Who cancels it stops reading.
 */
export function answerOf(readers: StreamReader<unknown>[]): ReadableStream<UIMessageChunk> {
  const pages = pagesOf(readers);
  return new ReadableStream<UIMessageChunk>({
    async pull(controller) {
      const { done, value } = await pages.next();
      if (done) return controller.close();
      for (const chunk of value) controller.enqueue(chunk);
    },
    cancel: () => readers.forEach((reader) => reader.stop()),
  });
}

async function* pagesOf(readers: StreamReader<unknown>[]): Pages {
  for (const reader of readers) {
    for await (const { chunks, anew } of readable(reader)) {
      if (anew) return yield failure("The answer was begun anew; reconnect to see it.");
      const [found, other] = await known(chunks);
      if (found.length) yield merged(found);
      if (other) return yield failure(faultOf(other));
    }
    const ending = endingOf(reader);
    if (ending.length) return yield ending;
  }
}

/** Iterate over what can be read; why it goes no further, *reader* knows. */
async function* readable(reader: StreamReader<unknown>): AsyncGenerator<Page<unknown>> {
  try {
    yield* reader.pages();
  } catch {
    // It has kept the error.
  }
}
