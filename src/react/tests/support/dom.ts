/** A page to render into. The network stays node's own: that of jsdom would be another one. */

import { JSDOM } from "jsdom";
import type { ReactNode } from "react";

const dom = new JSDOM("<!doctype html>", { pretendToBeVisual: true });
Object.assign(globalThis, {
  window: dom.window,
  document: dom.window.document,
  navigator: dom.window.navigator,
  IS_REACT_ACT_ENVIRONMENT: false,
});

// React looks around for a page when it is loaded.
const { createRoot } = await import("react-dom/client");
const { flushSync } = await import("react-dom");

/** Show `node` on the page; return how to show something else, or nothing. */
export function show(node: ReactNode) {
  const root = createRoot(document.createElement("div"));
  const again = (next: ReactNode) => flushSync(() => root.render(next));
  again(node);
  return { again, remove: () => flushSync(() => root.unmount()) };
}
