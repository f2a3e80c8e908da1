/** The chunks as one text. */

import { useSheet } from "./answers.js";
import { Flowing } from "./Flowing.js";
import type { View } from "./view.js";

/** Letters that are shown before one asks for more. */
const LETTERS = 2 * 2 ** 20;

export function TextView({ view }: { view: View }) {
  const { sheet, error } = useSheet(async () => {
    const { AnswerSheet, add } = await import("../answers.js");
    // In blocks: only the last one is laid out again when something is added.
    return new AnswerSheet((box, _, added) => add(box, added));
  });
  return (
    <Flowing view={view} sheet={sheet} limit={LETTERS} look="text" label="Chunks as text">
      {error && <p class="banner">The text could not be shown: {error}. Reload the page.</p>}
    </Flowing>
  );
}
