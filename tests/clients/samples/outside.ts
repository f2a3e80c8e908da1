/** The samples that run anywhere: reading, the default stream, and a defined one. */

import { streamText } from "ai";

import { streams } from "../support/client.js";
import { openai } from "../support/model.js";
import { ReadableStream } from "../support/readable.js";

type Log = { log(chunk: unknown): void };

export async function reading(runId: string, console: Log) {
  const stream = await streams.read(runId, "my-stream");

  for await (const chunk of stream) {
    console.log(chunk);
  }
}

export async function readingFrom(runId: string, console: Log) {
  const stream = await streams.read(runId, "my-stream", {
    timeoutInSeconds: 10, // Will stop the stream if no data is received within 10 seconds
    startIndex: 10, // Will start reading from the 10th chunk
  });

  for await (const chunk of stream) {
    console.log(chunk);
  }
}

export async function theDefaultStream(runId: string) {
  const result = answer();
  const { pipe } = streams;

  // Skip the stream key, uses the default run stream
  const { stream } = pipe(result.toUIMessageStream(), {
    target: runId,
  });

  // Read from the default run stream
  const readStream = await streams.read(runId);

  return { stream, readStream };
}

// Define a stream with a string chunk type
export const myStream = streams.define<any>({
  id: "my-stream",
});

export async function aDefinedStream() {
  const result = answer();

  // Pipe to the stream from inside a task
  myStream.pipe(result.toUIMessageStream());
  // Append to the stream from inside a task
  await myStream.append("Hello, world!");
  // Write to the stream from inside a task
  myStream.writer({
    execute: ({ write, merge }) => {
      write("Hello, world!");
      merge(ReadableStream.from(["Hello, world 2!", "Hello, world 3!"]));
    },
  });
}

export async function readingADefinedStream(runId: string) {
  // Read from the stream from anywhere
  const stream = await myStream.read(runId);

  return stream;
}

function answer() {
  return streamText({ model: openai("gpt-4.1"), prompt: "Why?" });
}
