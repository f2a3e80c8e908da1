import { runConformanceTests } from "@durable-streams/server-conformance-tests";
import { describe } from "vitest";

describe("the open protocol", () => {
  runConformanceTests({ baseUrl: process.env.SERVED as string, subscriptions: false });
});
