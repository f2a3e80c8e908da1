import type { StreamReader } from "@runstreams/react/reader";
import type { UIMessageChunk } from "ai";

/**
 * Return what tells how an answer has ended that *reader* has read as far as it goes: an error in a
 * plain sentence unless it is whole, or somebody has stopped it.
 */
export function endingOf({ closed, error }: StreamReader<unknown>): UIMessageChunk[] {
  if (closed?.status === "completed") return [];
  if (closed?.status === "canceled") return [{ type: "abort" }];
  if (closed?.code === "producer_lost") {
    return failure("The answer broke off: nothing more was heard of what was writing it.");
  }
  if (closed) return failure(`The answer failed: ${closed.error ?? "no reason was given"}`);
  if (error) return failure(`The answer cannot be read any further: ${error.message}`);
  return failure(
    "The answer broke off: nothing came for a long time, and nobody said it is whole.",
  );
}

/** Return an error that reads *errorText*. */
export const failure = (errorText: string): UIMessageChunk[] => [{ type: "error", errorText }];
