/** What the keys do. */

import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { Icon } from "../views/parts.js";

export const isHelpOpen = signal(false);

const KEYS: [string[], string][] = [
  [["/"], "search"],
  [["n", "N"], "next and previous match"],
  [["j", "k", "↓", "↑"], "select the next or previous chunk"],
  [["Enter"], "open or fold it"],
  [["c"], "copy it"],
  [["g", "G"], "first chunk; last chunk, and follow"],
  [["f"], "follow what comes"],
  [["Space"], "pause, go on"],
  [["1", "2", "3"], "list, text, Markdown"],
  [["t"], "times: since the first, since the one before, of day"],
  [["Esc"], "leave the search, fold all"],
  [["?"], "this help"],
];

export function Help() {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (isHelpOpen.value) dialog.current!.showModal();
    else dialog.current!.close();
  }, [isHelpOpen.value]);
  return (
    <dialog
      ref={dialog}
      class="dialog"
      aria-labelledby="help-title"
      onClose={() => (isHelpOpen.value = false)}
      onClick={(event) => event.target === dialog.current && (isHelpOpen.value = false)}
    >
      <div>
        <header>
          <h2 id="help-title">Keys</h2>
          <button
            type="button"
            class="icon"
            aria-label="Close"
            onClick={() => (isHelpOpen.value = false)}
          >
            <Icon name="close" />
          </button>
        </header>
        <dl>
          {KEYS.map(([keys, what]) => (
            <div key={what}>
              <dt>
                {keys.map((key) => (
                  <kbd key={key}>{key}</kbd>
                ))}
              </dt>
              <dd>{what}</dd>
            </div>
          ))}
        </dl>
      </div>
    </dialog>
  );
}
