import { generateId, type UIMessage } from "ai";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Conversation } from "./Conversation.js";
import "./style.css";

async function open() {
  // The address names the chat, so that a reload finds it again.
  const id = location.hash.slice(1) || generateId();
  history.replaceState(null, "", `#${id}`);
  const asked = await fetch(`/api/chat/${id}`);
  const messages: UIMessage[] = await asked.json();
  createRoot(document.getElementById("root")!).render(
    <StrictMode>
      <header>
        <h1>useChat that survives reloads</h1>
        <a href="./">New chat</a>
      </header>
      <Conversation id={id} messages={messages} />
    </StrictMode>,
  );
}

void open();
