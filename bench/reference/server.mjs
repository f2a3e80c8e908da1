// The Durable Streams reference server on the port given: in memory, or in the folder given.
import { DurableStreamTestServer } from "@durable-streams/server";

const [port, dataDir] = process.argv.slice(2);
const server = new DurableStreamTestServer({ port: Number(port), host: "127.0.0.1", dataDir });
await server.start();
process.on("SIGTERM", () => process.exit(0));
