import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["tests/**/*.test.{ts,tsx}"],
    testTimeout: 100_000,
    // The machine has two cores, and a server runs beside it.
    maxWorkers: 2,
    minWorkers: 1,
    maxConcurrency: 20,
  },
});
