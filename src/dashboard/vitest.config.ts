import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["tests/**/*.test.ts"],
    testTimeout: 110_000,
    // The machine has two cores, and others use them too.
    maxWorkers: 2,
    minWorkers: 1,
  },
});
