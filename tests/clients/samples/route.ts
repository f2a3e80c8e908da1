/** The sample of a route handler, with a model that needs no network. */

import { streams } from "../support/client.js";
import { openai } from "../support/model.js";
import {
  convertToModelMessages,
  streamText,
  type UIMessage,
  createUIMessageStreamResponse,
} from "ai";

// Allow streaming responses up to 30 seconds
export const maxDuration = 30;

export async function POST(req: Request) {
  const { messages, runId }: { messages: UIMessage[]; runId: string } =
    await req.json() as any;

  const result = streamText({
    model: openai("gpt-4.1"),
    system: "You are a helpful assistant.",
    messages: convertToModelMessages(messages),
  });

  const { stream } = streams.pipe("ai-stream", result.toUIMessageStream(), {
    target: runId,
  });

  return createUIMessageStreamResponse({
    stream,
  });
}
