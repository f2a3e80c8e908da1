/** The page with the hooks, in jsdom and in Chromium. */

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import { build } from "esbuild";
import { JSDOM } from "jsdom";
import { chromium } from "playwright-core";

import type { page as onPage } from "../hook/page.js";
import { isOld } from "./client.js";

type Calls = typeof onPage;

/** What a test can do on a page, from outside it. */
export interface Page {
  call<Name extends keyof Calls>(
    name: Name,
    ...given: Parameters<Calls[Name]>
  ): Promise<ReturnType<Calls[Name]>>;
}

export interface Browser {
  open(): Promise<Page>;
  close(): Promise<void>;
}

async function script(): Promise<string> {
  const built = await build({
    entryPoints: [new URL("../hook/page.tsx", import.meta.url).pathname],
    alias: isOld ? { "@trigger.dev/react-hooks": "react-hooks-446" } : {},
    define: { "process.env.NODE_ENV": '"production"' },
    bundle: true,
    external: ["node:*", "crypto", "fs", "path", "async_hooks"],
    format: "iife",
    jsx: "automatic",
    minifySyntax: true,
    write: false,
  });
  return built.outputFiles![0]!.text;
}

/** A document without a browser. The network is node's, so nothing asks for permission first. */
export async function jsdom(): Promise<Browser> {
  const { window } = new JSDOM("<!doctype html>", { url: "http://elsewhere.example" });
  Object.assign(globalThis, { window, document: window.document });
  globalThis.navigator ??= window.navigator;
  (0, eval)(await script());
  const { page } = globalThis as unknown as { page: Record<string, (...given: any[]) => any> };
  const opened: Page = { call: async (name, ...given) => page[name as string]!(...given) };
  return { open: async () => opened, close: async () => window.close() };
}

const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-dev-shm-usage",
  "--disable-background-networking",
  "--no-proxy-server",
];

/** A real browser, on a page of another origin than the server's. */
export async function browser(): Promise<Browser> {
  const html = `<!doctype html><title>elsewhere</title><script>${await script()}</script>`;
  const elsewhere = createServer((_, answer) =>
    answer.setHeader("Content-Type", "text/html; charset=utf-8").end(html),
  );
  await new Promise<void>((listening) => elsewhere.listen(0, "127.0.0.1", listening));
  const url = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/`;
  const running = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ARGUMENTS });
  return {
    async open() {
      // A context of its own has connections of its own: six to a server are all that a page gets.
      const page = await (await running.newContext()).newPage();
      page.on("pageerror", (error) => console.error(error));
      await page.goto(url);
      return {
        call: (name, ...given) =>
          page.evaluate(([name, given]: any) => (globalThis as any).page[name](...given), [name, given]),
      };
    },
    async close() {
      await running.close();
      elsewhere.closeAllConnections();
      elsewhere.close();
    },
  };
}
