/** A page with a chat that is resumed, and a record of all that was ever to be seen of its answer. */

import { useChat } from "@ai-sdk/react";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import type { UIMessage } from "ai";
import { RunStreamsChatTransport } from "../../../src/ai/src/index.js";

const question: UIMessage = { id: "q", role: "user", parts: [{ type: "text", text: "Why?" }] };
const transport = new RunStreamsChatTransport();

function Conversation() {
  const { messages, status, error } = useChat({
    id: "chat",
    messages: [question],
    transport,
    resume: true,
  });
  return (
    <main data-status={status} data-error={error?.message}>
      {messages.map(({ id, role, parts }) => (
        <p key={id} className={role}>
          {parts.map((part, n) => part.type === "text" && <span key={n}>{part.text}</span>)}
        </p>
      ))}
    </main>
  );
}

const seen: string[] = [];
const look = () => {
  const text = document.querySelector(".assistant")?.textContent ?? "";
  if (text !== seen.at(-1)) seen.push(text);
};
new MutationObserver(look).observe(document.body, {
  childList: true,
  subtree: true,
  characterData: true,
});
Object.assign(globalThis, { seen });

createRoot(document.body.appendChild(document.createElement("div"))).render(
  <StrictMode>
    <Conversation />
  </StrictMode>,
);
