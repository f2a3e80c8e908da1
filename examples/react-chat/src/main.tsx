import { RunStreamsProvider } from "@runstreams/react";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { config, newChat } from "./api.js";
import { Chat } from "./Chat.js";
import "./style.css";

async function open() {
  const { baseURL } = await config();
  // The address names the chat, so that a reload finds it again.
  const chat = location.hash.slice(1) || (await newChat()).chat;
  history.replaceState(null, "", `#${chat}`);
  createRoot(document.getElementById("root")!).render(
    <StrictMode>
      <RunStreamsProvider baseURL={baseURL}>
        <header>
          <h1>A chat that survives reloads</h1>
          <a href="./">New chat</a>
        </header>
        <Chat chat={chat} />
      </RunStreamsProvider>
    </StrictMode>,
  );
}

void open();
