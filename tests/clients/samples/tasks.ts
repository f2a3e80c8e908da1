/** The samples that announced these streams and run inside a task; where they only say that a
 * stream comes from somewhere, it comes from the payload.
 */

import { metadata, streams, task } from "../support/client.js";
import { ReadableStream } from "../support/readable.js";

export const oldAndNew = task({
  id: "old-and-new",
  run: async (payload: { before: ReadableStream<string>; after: ReadableStream<string> }) => {
    {
      const stream = payload.before;
      // Before:
      await metadata.stream("my-stream", stream);
    }
    {
      const stream = payload.after;
      // After: (notice we don't await the result)
      streams.pipe("my-stream", stream);
    }
  },
});

export const myTask = task({
  id: "my-task",
  run: async (payload: { myAIStream: ReadableStream<unknown>; seen: unknown[] }) => {
    const { myAIStream } = payload;
    const console = { log: (chunk: unknown) => payload.seen.push(chunk) };

    const { stream, waitUntilComplete } = streams.pipe("ai-stream", myAIStream);

    // A. Iterate over the stream which is an async iterable and a ReadableStream
    for await (const chunk of stream) {
      console.log(chunk);
    }

    // B. Wait until the stream is complete
    await waitUntilComplete();

    return {
      message: "Stream completed successfully",
    };
  },
});

export const toOthers = task({
  id: "to-others",
  run: async (
    payload: { message: string; otherRunId?: string; from: () => ReadableStream<string> },
    { ctx },
  ) => {
    const waits: (() => Promise<unknown>)[] = [];
    {
      const myAIStream = payload.from();
      // Pipe to a stream on the root run
      const { stream, waitUntilComplete } = streams.pipe("ai-stream", myAIStream, { target: ctx.run.rootTaskRunId });
      void stream;
      waits.push(waitUntilComplete);
    }
    {
      const myAIStream = payload.from();
      // Pipe to a stream on the parent run
      const { stream, waitUntilComplete } = streams.pipe("ai-stream", myAIStream, { target: ctx.run.parentTaskRunId });
      void stream;
      waits.push(waitUntilComplete);
    }
    {
      const myAIStream = payload.from();
      // Pipe to a stream on another run by ID
      const { stream, waitUntilComplete } = streams.pipe("ai-stream", myAIStream, { target: payload.otherRunId });
      void stream;
      waits.push(waitUntilComplete);
    }
    await Promise.all(waits.map((wait) => wait()));
  },
});

export const appending = task({
  id: "appending",
  run: async () => {
    // Call this from inside a task
    await streams.append("my-stream", "Hello, world!");
  },
});

export const writing = task({
  id: "writing",
  run: async () => {
    // Call this from inside a task
    streams.writer("my-stream", {
      execute: ({ write, merge }) => {
        write("Hello, world!");
        write("Hello, world 2!");
        merge(ReadableStream.from(["Hello, world 3!", "Hello, world 4!"]));
      },
    });
  },
});

export const writingToOthers = task({
  id: "writing-to-others",
  run: async (_payload: object, { ctx }) => {
    // Append to a stream on the root run
    await streams.append("my-stream", "Hello, world!", {
      target: ctx.run.rootTaskRunId,
    });

    // Write to a stream on the parent run
    streams.writer("my-stream", {
      execute: ({ write, merge }) => {
        void merge;
        write("Hello, world!");
      },
      target: ctx.run.parentTaskRunId,
    });
  },
});
