// Makes a message of each line of chunks, as `useChat` does, and refuses what is no chunk.

import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const require = createRequire(new URL("../clients/package.json", import.meta.url));
const { readUIMessageStream, uiMessageChunkSchema } = require("ai");
const schema = typeof uiMessageChunkSchema === "function" ? uiMessageChunkSchema() : uiMessageChunkSchema;

for await (const line of createInterface({ input: process.stdin })) {
    const chunks = JSON.parse(line);
    for (const chunk of chunks) {
        const { success, error } = await schema.validate(chunk);
        if (!success) throw error;
    }
    let message;
    for await (message of readUIMessageStream({ stream: ReadableStream.from(chunks), terminateOnError: true }));
    console.log(JSON.stringify(message));
}
