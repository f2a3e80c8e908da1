import { defineConfig } from "vitest/config";

/** The tests run with the newest major of the AI SDK, and with the one before. */
const majors = [
  ["ai 7", {}],
  ["ai 6", { "@ai-sdk/react": "@ai-sdk/react-3", ai: "ai-6" }],
] as const;

export default defineConfig({
  test: {
    maxWorkers: 2,
    minWorkers: 1,
    projects: majors.map(([name, alias]) => ({
      // What is shared with the hook's tests brings no React of its own.
      resolve: { alias, dedupe: ["react", "react-dom"] },
      test: { name, include: ["tests/**/*.test.{ts,tsx}"], testTimeout: 100_000 },
    })),
  },
});
