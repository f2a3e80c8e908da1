/** A language model that says the same every time. */

import { simulateReadableStream } from "ai";
import { MockLanguageModelV2 } from "ai/test";

export const ANSWER = ["Streams ", "outlive ", "their ", "connections."];

const usage = { inputTokens: 1, outputTokens: ANSWER.length, totalTokens: ANSWER.length + 1 };

export function openai(_name: string): MockLanguageModelV2 {
  return new MockLanguageModelV2({
    doStream: async () => ({
      stream: simulateReadableStream({
        chunkDelayInMs: 5,
        chunks: [
          { type: "text-start", id: "0" },
          ...ANSWER.map((delta) => ({ type: "text-delta" as const, id: "0", delta })),
          { type: "text-end", id: "0" },
          { type: "finish", finishReason: "stop", usage },
        ],
      }),
    }),
  });
}
