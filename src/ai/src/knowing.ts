import type { Chunk } from "@runstreams/react/reader";
import { asSchema, uiMessageChunkSchema, type UIMessageChunk } from "ai";

/**
 * Return the UI message chunks that *chunks* begin with, and the first that is none. The installed AI
 * SDK says what is one, as it does of what comes by its own transports.
 */
export async function known(
  chunks: Chunk<unknown>[],
): Promise<[known: Chunk<UIMessageChunk>[], other?: Chunk<unknown>]> {
  const found: Chunk<UIMessageChunk>[] = [];
  for (const chunk of chunks.filter(({ data }) => typeOf(data) !== END)) {
    if (!(await isKnown(chunk.data))) return [found, chunk];
    found.push(chunk as Chunk<UIMessageChunk>);
  }
  return [found];
}

/** Say whether *data* is a UI message chunk. */
export const isKnown = async (data: unknown): Promise<boolean> =>
  (await asSchema(uiMessageChunkSchema).validate!(data)).success;

/** Say what *chunk* is not. */
export function faultOf({ index, data }: Chunk<unknown>): string {
  const type = typeOf(data);
  const named = typeof type === "string" ? `: ${type}` : "";
  return `Chunk ${index} of the answer is no UI message chunk${named}.`;
}

/** What Pydantic AI ends with, which is no chunk where it is sent as an event either. */
const END = "done";

const typeOf = (data: unknown) => (data as { type?: unknown } | null)?.type;
