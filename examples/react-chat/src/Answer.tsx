import { useRealtimeStream } from "@runstreams/react";
import { useToken } from "./api.js";
import { Streams } from "./Streams.js";

const SAID = {
  connecting: "Connecting…",
  live: "Writing…",
  waiting: "Paused",
  retrying: "Connection lost, trying again…",
  closed: "",
  silent: "Nothing came for a long time.",
  failed: "This cannot be read.",
};

const ENDED = { completed: "", failed: "It failed.", canceled: "You stopped it." };

/** An answer as it is written, and a button to stop whoever writes it. */
export function Answer({ run }: { run: string }) {
  const accessToken = useToken(run);
  // The same as in Streams, so both share one connection.
  const { status, closed, stopProducer } = useRealtimeStream<string>(run, "stream", {
    accessToken,
    enabled: accessToken !== undefined,
    timeoutInSeconds: 600,
    throttleInMs: 50,
  });
  const said = closed ? ENDED[closed.status] : SAID[status];
  const isOpen = status === "live" || status === "retrying";
  return (
    <article className="answer" data-status={closed?.status ?? status} aria-busy={isOpen}>
      {accessToken && <Streams accessToken={accessToken} runId={run} />}
      {(said || isOpen) && (
        <footer>
          <span role="status">{said}</span>
          {isOpen && (
            <button type="button" className="button quiet" onClick={() => void stopProducer()}>
              Stop
            </button>
          )}
        </footer>
      )}
    </article>
  );
}
