import { asSchema, uiMessageChunkSchema, type UIMessage } from "ai";

/** Whether the AI SDK of these tests can take back what it has shown: `ai` 7. */
export const takesBack = (async () =>
  (await asSchema(uiMessageChunkSchema).validate!({ type: "reset-step" })).success)();

/** The chunks of a message up to its first words. */
export const begun = (...words: string[]) => [
  { type: "start", messageId: "answer_1" },
  { type: "text-start", id: "t" },
  ...words.map(delta),
];

export const delta = (word: string) => ({ type: "text-delta", id: "t", delta: word });

/** The chunks that end it. */
export const ended = [{ type: "text-end", id: "t" }, { type: "finish" }];

/** What is read of a chat: each message's text. */
export const texts = ({ messages }: { messages: UIMessage[] }) =>
  messages.map(({ parts }) => parts.map((part) => ("text" in part ? part.text : "")).join(""));

export const question: UIMessage = {
  id: "question_1",
  role: "user",
  parts: [{ type: "text", text: "Why?" }],
};
