import { Chat, useChat } from "@ai-sdk/react";
import { RunStreamsChatTransport } from "@runstreams/ai";
import type { UIMessage } from "ai";
import { useEffect, useMemo, useRef, useState, type FormEvent } from "react";

const SUGGESTIONS = ["What happens when I reload this page?", "Why is nothing lost?"];

const transport = new RunStreamsChatTransport({ api: "/api/chat" });

/** A conversation as it is, and as it goes on. */
export function Conversation({ id, messages }: { id: string; messages: UIMessage[] }) {
  // Held here, not made by `useChat`, which would stop the answer when it is unmounted.
  const chat = useMemo(() => new Chat({ id, messages, transport }), [id]);
  const {
    messages: shown,
    status,
    error,
    sendMessage,
    regenerate,
    stop,
  } = useChat({ chat, resume: true, throttle: 50 });
  const isBusy = status === "submitted" || status === "streaming";
  const ask = (text: string) => void sendMessage({ text });
  return (
    <>
      <main aria-live="polite" data-status={status}>
        {shown.length === 0 && <Welcome onAsk={ask} />}
        {shown.map((message) => (
          <Message key={message.id} message={message} />
        ))}
        {error && <p role="alert">{error.message}</p>}
        {shown.length > 0 && (
          <footer>
            <span role="status">{isBusy ? "Writing…" : ""}</span>
            <button
              type="button"
              className="button quiet"
              onClick={() => void (isBusy ? stop() : regenerate())}
            >
              {isBusy ? "Stop" : "Answer again"}
            </button>
          </footer>
        )}
        <Bottom of={shown} />
      </main>
      <Composer onAsk={ask} isBusy={isBusy} />
    </>
  );
}

function Message({ message }: { message: UIMessage }) {
  return (
    <p className={message.role}>
      {message.parts.map((part) => (part.type === "text" ? part.text : ""))}
    </p>
  );
}

function Welcome({ onAsk }: { onAsk: (question: string) => void }) {
  return (
    <div className="welcome">
      <h2>Ask, then try to break it</h2>
      <p>
        Reload in the middle of an answer, go offline and come back, or open this address in a
        second window: not a word is lost, and none comes twice.
      </p>
      {SUGGESTIONS.map((question) => (
        <button
          key={question}
          type="button"
          className="button suggestion"
          onClick={() => onAsk(question)}
        >
          {question}
        </button>
      ))}
    </div>
  );
}

/** Keeps the end in sight. */
function Bottom({ of }: { of: UIMessage[] }) {
  const end = useRef<HTMLDivElement>(null);
  useEffect(() => void end.current?.scrollIntoView({ block: "end" }), [of]);
  return <div ref={end} />;
}

function Composer({ onAsk, isBusy }: { onAsk: (question: string) => void; isBusy: boolean }) {
  const [question, setQuestion] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (isBusy || !question.trim()) return;
    onAsk(question.trim());
    setQuestion("");
  };
  return (
    <form onSubmit={submit}>
      <label htmlFor="question">Your question</label>
      <input
        id="question"
        value={question}
        placeholder="Ask something"
        autoComplete="off"
        onChange={(event) => setQuestion(event.target.value)}
      />
      <button type="submit" className="button" disabled={isBusy || !question.trim()}>
        Ask
      </button>
    </form>
  );
}
