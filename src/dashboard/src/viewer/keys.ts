/** What keys do in the viewer. */

import { MODES } from "../route.js";
import type { Acts } from "./acts.js";
import { isHelpOpen } from "./Help.js";
import type { View } from "./view.js";

export function pressed(event: KeyboardEvent, view: View, acts: Acts): void {
  if (isElsewhere(event)) return;
  const act = actOf(event.key, view, acts);
  if (!act) return;
  event.preventDefault();
  act();
}

function actOf(key: string, view: View, acts: Acts): (() => void) | undefined {
  const mode = MODES[Number(key) - 1];
  if (mode) return () => acts.setMode(mode);
  switch (key) {
    case "/":
      return () => document.getElementById("search")?.focus();
    case "?":
      return () => (isHelpOpen.value = true);
    case "n":
      return () => acts.step(1);
    case "N":
      return () => acts.step(-1);
    case "g":
      return acts.top;
    case "G":
      return acts.bottom;
    case "f":
      return () => view.follow(!view.isFollowing.peek());
    case " ":
      return acts.togglePause;
    case "t":
      return () => view.nextTimes();
  }
  return view.mode.peek() === "list" ? actOnRow(key, view, acts) : undefined;
}

function actOnRow(key: string, view: View, acts: Acts): (() => void) | undefined {
  const selected = view.selected.peek();
  switch (key) {
    case "j":
    case "ArrowDown":
      return () => view.move(1);
    case "k":
    case "ArrowUp":
      return () => view.move(-1);
    case "Enter":
      return selected === undefined ? undefined : () => view.toggle(selected);
    case "Escape":
      return () => view.closeAll();
    case "c":
      return selected === undefined ? undefined : acts.copy;
  }
  return undefined;
}

/** Say whether *event* is none of ours: it is typed into a field, or meant for a button or the browser. */
function isElsewhere(event: KeyboardEvent): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return true;
  const target = event.target as Element | null;
  if (document.querySelector("dialog[open]")) return true;
  if (target?.closest("input, textarea, select")) return true;
  const isPressed = event.key === "Enter" || event.key === " ";
  return isPressed && !!target?.closest("a, button, summary");
}
