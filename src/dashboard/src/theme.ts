/** Light, dark, or as the system has it: the one thing that is remembered beyond the tab. */

import { signal } from "@preact/signals";

export type Theme = "auto" | "light" | "dark";

const ITEM = "runstreams.theme";
const ORDER: Theme[] = ["auto", "light", "dark"];

export const theme = signal<Theme>(stored());

theme.subscribe((value) => {
  document.documentElement.dataset.theme = value;
});

export function nextTheme(): void {
  theme.value = ORDER[(ORDER.indexOf(theme.value) + 1) % ORDER.length]!;
  try {
    localStorage.setItem(ITEM, theme.value);
  } catch {
    // Where nothing may be stored, it holds until the page is left.
  }
}

function stored(): Theme {
  try {
    return ORDER.find((value) => value === localStorage.getItem(ITEM)) ?? "auto";
  } catch {
    return "auto";
  }
}
