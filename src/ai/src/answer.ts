import { counting, StreamReader, type Page } from "@runstreams/react/reader";
import type { UIMessageChunk } from "ai";
import { endingOf, failure } from "./ending.js";
import { faultOf, isKnown, known } from "./knowing.js";
import { merged } from "./merging.js";
import { RESET, Step } from "./step.js";

const ANEW = "The answer was begun anew; reconnect to see it.";

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
    const step = new Step(reader === readers[0]);
    for await (const { chunks, anew, superseded } of readable(reader)) {
      const back = step.rollBack(superseded);
      if (anew || !back || (back.length && !(await isKnown(RESET)))) return yield failure(ANEW);
      const [found, other] = await known(counting(chunks, superseded));
      const shown = [...back, ...step.take(found)];
      if (shown.length) yield merged(shown);
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
