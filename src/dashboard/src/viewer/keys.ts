/** What keys do in the viewer. */

/** Say whether *event* is none of ours: it is typed into a field, or meant for a button or the browser. */
export function isElsewhere(event: KeyboardEvent): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return true;
  const target = event.target as Element | null;
  if (document.querySelector("dialog[open]")) return true;
  if (target?.closest("input, textarea, select")) return true;
  const isPressed = event.key === "Enter" || event.key === " ";
  return isPressed && !!target?.closest("a, button, summary");
}
