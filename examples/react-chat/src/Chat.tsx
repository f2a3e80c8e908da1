import { useRealtimeStream } from "@runstreams/react";
import { useEffect, useRef, useState, type FormEvent } from "react";
import { Answer } from "./Answer.js";
import { ask, tokenFor } from "./api.js";
import { turns } from "./streams.js";

const SUGGESTIONS = [
  "What happens when I reload this page?",
  "Show me a table and some code.",
  "Why is nothing lost without a network?",
];

/** A conversation. Whoever opens its address sees it, as it is and as it goes on. */
export function Chat({ chat }: { chat: string }) {
  const { parts, error } = useRealtimeStream(turns, chat, {
    accessToken: () => tokenFor(chat),
    timeoutInSeconds: 600,
  });
  const [problem, setProblem] = useState("");
  const send = (question: string) => {
    setProblem("");
    ask(chat, question).catch((error: Error) => setProblem(error.message));
  };
  return (
    <>
      <main aria-live="polite">
        {parts.length === 0 && <Welcome onAsk={send} />}
        {parts.map(({ question, run }) => (
          <section key={run}>
            <p className="question">{question}</p>
            <Answer run={run} />
          </section>
        ))}
        <Bottom />
      </main>
      <Composer onAsk={send} problem={error?.message ?? problem} />
    </>
  );
}

function Welcome({ onAsk }: { onAsk: (question: string) => void }) {
  return (
    <div className="welcome">
      <h2>Ask, then try to break it</h2>
      <p>
        Reload in the middle of an answer, go offline and come back, or open this address in a
        second tab: not a word is lost, and none comes twice.
      </p>
      <ul>
        {SUGGESTIONS.map((question) => (
          <li key={question}>
            <button type="button" className="button suggestion" onClick={() => onAsk(question)}>
              {question}
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}

/** Keeps the end in sight while it is in sight. */
function Bottom() {
  const end = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const list = end.current!.parentElement!;
    let isAtEnd = true;
    const watchScroll = () => {
      isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 80;
    };
    const follow = () => isAtEnd && list.scrollTo({ top: list.scrollHeight });
    const changes = new MutationObserver(follow);
    changes.observe(list, { childList: true, subtree: true, characterData: true });
    list.addEventListener("scroll", watchScroll, { passive: true });
    return () => {
      changes.disconnect();
      list.removeEventListener("scroll", watchScroll);
    };
  }, []);
  return <div ref={end} />;
}

function Composer({ onAsk, problem }: { onAsk: (question: string) => void; problem: string }) {
  const [question, setQuestion] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!question.trim()) return;
    onAsk(question.trim());
    setQuestion("");
  };
  return (
    <form onSubmit={submit}>
      {problem && <p role="alert">{problem}</p>}
      <div className="composer">
        <label htmlFor="question">Your question</label>
        <input
          id="question"
          value={question}
          placeholder="Ask something"
          autoComplete="off"
          onChange={(event) => setQuestion(event.target.value)}
        />
        <button type="submit" className="button" disabled={!question.trim()}>
          Ask
        </button>
      </div>
    </form>
  );
}
