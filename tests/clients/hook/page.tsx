/** A page whose components use the hooks; the tests mount them and look at what they got. */

import { useInputStreamSend, useRealtimeStream } from "@trigger.dev/react-hooks";
import { useEffect } from "react";
import { flushSync } from "react-dom";
import type { RealtimeDefinedStream } from "@trigger.dev/core/v3";
import { createRoot, type Root } from "react-dom/client";

import { Streams } from "./sample.js";

interface Options {
  accessToken: string;
  baseURL: string;
  startIndex?: number;
  throttleInMs?: number;
  timeoutInSeconds?: number;
  onData?: (data: unknown) => void;
}

export interface Props {
  kind?: "keyed" | "keyless" | "defined" | "sample" | "input";
  run: string;
  name?: string;
  options: Options;
}

export interface State {
  parts: unknown[];
  /** What `onData` was called with. */
  data: unknown[];
  /** How often `parts` changed. */
  changes: number;
  error?: string;
}

class Mounted {
  state: State = { parts: [], data: [], changes: 0 };
  stop = () => {};
  send = (_data: object) => {};
  constructor(
    readonly root: Root,
    readonly element: HTMLElement,
  ) {}
}

function useStream({ kind, run, name, options }: Props) {
  switch (kind) {
    case "keyless":
      return useRealtimeStream(run, options);
    case "defined":
      // What `streams.define` returns has an id; the hook looks at nothing else.
      return useRealtimeStream({ id: name! } as RealtimeDefinedStream<unknown>, run, options);
    default:
      return useRealtimeStream(run, name!, options);
  }
}

function Reader({ mounted, ...props }: Props & { mounted: Mounted }) {
  const onData = (data: unknown) => void mounted.state.data.push(data);
  const { parts, error, stop } = useStream({ ...props, options: { ...props.options, onData } });
  useEffect(() => {
    mounted.state.parts = parts;
    mounted.state.changes += 1;
  }, [parts]);
  useEffect(() => {
    mounted.state.error = error?.message;
    mounted.stop = stop;
  });
  return null;
}

function Sender({ mounted, run, name, options }: Props & { mounted: Mounted }) {
  const { send, error } = useInputStreamSend(name!, run, options);
  useEffect(() => {
    mounted.send = send;
    mounted.state.error = (error as Error | undefined)?.message;
  });
  return null;
}

const all = new Map<string, Mounted>();

function componentOf(props: Props, mounted: Mounted) {
  if (props.kind === "input") return <Sender mounted={mounted} {...props} />;
  if (props.kind !== "sample") return <Reader mounted={mounted} {...props} />;
  const console = { log: (data: string) => void mounted.state.data.push(data) };
  const { accessToken, baseURL } = props.options;
  return <Streams accessToken={accessToken} baseURL={baseURL} runId={props.run} console={console} />;
}

/** What a test can do on the page. */
export const page = {
  mount(id: string, props: Props): void {
    const element = document.body.appendChild(document.createElement("div"));
    const mounted = new Mounted(createRoot(element), element);
    all.set(id, mounted);
    flushSync(() => mounted.root.render(componentOf(props, mounted)));
  },
  unmount: (id: string) => all.get(id)!.root.unmount(),
  state: (id: string): State => structuredClone(all.get(id)!.state),
  text: (id: string) => all.get(id)!.element.textContent,
  stop: (id: string) => all.get(id)!.stop(),
  send: (id: string, data: object) => all.get(id)!.send(data),
};

Object.assign(globalThis, { page });
