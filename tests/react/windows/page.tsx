/** A window with two streams of a run, and a button that stops one of them; or with all streams of it. */

import { createRoot } from "react-dom/client";
import { useState } from "react";
import { useRealtimeRun, useRealtimeStream } from "../../../src/react/src/index.js";

const asked = new URLSearchParams(location.search);
const run = asked.get("run")!;
const server = { baseURL: asked.get("server")!, accessToken: asked.get("token")! };

function Shown({ name }: { name: string }) {
  const { parts, status } = useRealtimeStream<number>(run, name, server);
  return (
    <p id={name} data-status={status}>
      {parts.join(" ")}
    </p>
  );
}

function All() {
  const { streams, status } = useRealtimeRun<number>(run, server);
  return (
    <main data-status={status}>
      {Object.entries(streams).map(([name, { parts }]) => (
        <p key={name} id={name}>
          {parts.join(" ")}
        </p>
      ))}
    </main>
  );
}

function Stop() {
  const [state, setState] = useState("idle");
  const { stopProducer } = useRealtimeStream(run, "answer", { ...server, enabled: false });
  const stop = async () => {
    setState("asked");
    const begun = performance.now();
    await stopProducer();
    setState(`answered after ${Math.round(performance.now() - begun)} ms`);
  };
  return <button onClick={stop}>{state}</button>;
}

const two = (
  <>
    <Shown name="answer" />
    <Shown name="log" />
    <Stop />
  </>
);
createRoot(document.body).render(asked.has("all") ? <All /> : two);
