import { defineConfig } from "vite";

export default defineConfig({
  esbuild: { jsx: "automatic" },
  // The packages lie in this repository, with an AI SDK and a React of their own for their tests.
  resolve: { dedupe: ["ai", "react", "react-dom"] },
  build: { chunkSizeWarningLimit: 1000 },
  server: { proxy: { "/api": "http://127.0.0.1:8000" } },
});
