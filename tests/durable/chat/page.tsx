/** A chat by `useChat`, over the official transport of the AI SDK. */

import { useChat } from "@ai-sdk/react";
import { createDurableChatTransport } from "@durable-streams/aisdk-transport";
import type { UIMessage } from "ai";
import { createRoot } from "react-dom/client";

const transport = createDurableChatTransport({ api: "/api/chat" });
const id = location.search.slice(1);

function Chat({ said }: { said: UIMessage[] }) {
  const { messages, status, error, sendMessage } = useChat({
    id,
    messages: said,
    transport,
    resume: true,
  });
  return (
    <main data-status={status}>
      {messages.map(({ role, parts }, at) => (
        <p key={at} id={role}>
          {parts.map((part) => (part.type === "text" ? part.text : "")).join("")}
        </p>
      ))}
      <output>{error?.message}</output>
      <button onClick={() => sendMessage({ text: "Count" })}>Ask</button>
    </main>
  );
}

const said = await (await fetch(`/said/${id}`)).json();
createRoot(document.body).render(<Chat said={said} />);
