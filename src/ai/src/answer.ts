import { StreamReader, type Page } from "@runstreams/react/reader";
import type { UIMessageChunk } from "ai";
import { endingOf, failure } from "./ending.js";
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
    try {
      for await (const page of reader.pages()) {
        const fault = faultIn(page);
        if (fault) return yield failure(fault);
        yield merged(page.chunks.map(({ data }) => data as UIMessageChunk));
      }
    } catch {
      // The reader knows it.
    }
    const ending = endingOf(reader);
    if (ending.length) return yield ending;
  }
}

/** Say why a message cannot be made of what was read, if so. */
function faultIn({ chunks, anew }: Page<unknown>): string | undefined {
  if (anew) return "The answer was begun anew; reconnect to see it.";
  const other = chunks.find(
    ({ data }) => typeof (data as UIMessageChunk | null)?.type !== "string",
  );
  return other && `Chunk ${other.index} of the answer is no UI message chunk.`;
}
