/** What the compiler must accept, and what it must refuse; nothing here runs. */

import { defineStream, type InferStreamType } from "../src/define.js";
import { useRealtimeStream, type RealtimeStream, type StreamError } from "../src/index.js";
import { StreamReader, type Chunk } from "../src/reader.js";

type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

declare function same<A, B>(...differ: Same<A, B> extends true ? [] : [A, "is not", B]): void;

interface Token {
  text: string;
}

export function Hooks({ run, maybe }: { run: string; maybe: string | undefined }) {
  const keyed = useRealtimeStream<string>(run, "stream", {
    accessToken: "token",
    onData: (data) => same<typeof data, string>(),
    timeoutInSeconds: 600,
    startIndex: undefined,
    throttleInMs: 50,
  });
  same<typeof keyed.parts, string[]>();
  same<typeof keyed.error, StreamError | undefined>();

  const byDefault = useRealtimeStream<Token>(run, { from: "tail", maxParts: 10 });
  same<typeof byDefault, RealtimeStream<Token>>();
  same<RealtimeStream<string>["parts"], ReturnType<typeof useRealtimeStream<string>>["parts"]>();

  const tokens = defineStream<Token>({ id: "tokens" });
  same<InferStreamType<typeof tokens>, Token>();
  const defined = useRealtimeStream(tokens, run, {
    onData: ({ text }, { index }) => [text.length, index.toFixed()],
  });
  same<typeof defined.parts, Token[]>();

  const other = {} as {
    id: string;
    read(run: string, options?: { startIndex?: number }): Promise<AsyncIterable<Token>>;
    append(value: Token): Promise<void>;
  };
  same<ReturnType<typeof useRealtimeStream<Token>>["parts"], Token[]>();
  const { parts } = useRealtimeStream(other, run);
  same<typeof parts, Token[]>();

  useRealtimeStream<string>(null, "key", {});
  useRealtimeStream<string>(run, null, { startIndex: 1 });
  useRealtimeStream(tokens, null);

  same<ReturnType<typeof plain>, number[]>();
  function plain() {
    return useRealtimeStream<number>({ id: "anything" }, maybe).parts;
  }

  const raw = useRealtimeStream(run, "key", { parse: (text) => text });
  same<typeof raw.parts, string[]>();
  const exact = useRealtimeStream<Token>(run, "key", { parse: (text) => JSON.parse(text) });
  same<typeof exact.parts, Token[]>();

  // @ts-expect-error: the parser makes no tokens
  useRealtimeStream<Token>(run, "key", { parse: (text) => text });
  // @ts-expect-error: chunks are tokens
  useRealtimeStream(tokens, run, { onData: (data: number) => data });
  // @ts-expect-error: a run is named by a string
  useRealtimeStream<string>(17);
  // @ts-expect-error: nothing comes from the end
  useRealtimeStream<string>(run, { from: "end" });
  // @ts-expect-error: what is shown is not written to
  keyed.parts = ["else"];
  // @ts-expect-error: there is no such option
  useRealtimeStream<string>(run, "key", { throttle: 16 });
  return null;
}

export async function reading() {
  for await (const chunk of new StreamReader<Token>("run", "key")) {
    same<typeof chunk, Chunk<Token>>();
  }
  const parsed = new StreamReader("run", "key", { parse: (text) => BigInt(text) });
  same<typeof parsed, StreamReader<bigint>>();
}
