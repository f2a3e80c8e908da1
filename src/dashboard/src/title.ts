/** What the browser's tab says. */

import { visible } from "./format.js";

const NAME = "runstreams";

export function title(...names: string[]): void {
  document.title = [...names.map(visible), NAME].join(" · ");
}

export function favicon(state: "icon" | "live" | "failed"): void {
  const link = document.querySelector<HTMLLinkElement>("link[rel=icon]");
  const file = state === "icon" ? "icon.svg" : `icon-${state}.svg`;
  if (link && !link.href.endsWith(`/${file}`)) link.href = `dashboard/${file}`;
}
