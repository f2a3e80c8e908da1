import tailwindcss from "@tailwindcss/vite";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [tailwindcss()],
  esbuild: { jsx: "automatic" },
  // The package lies in this repository, with a React of its own for its tests.
  resolve: { dedupe: ["react", "react-dom"] },
  build: { chunkSizeWarningLimit: 1000 },
  server: { proxy: { "/api": "http://127.0.0.1:5180" } },
});
