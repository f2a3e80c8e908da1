/** A sheet whose code is loaded when it is asked for. */

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Sheet } from "./Flowing.js";

interface Loaded<T> {
  sheet: T | undefined;
  error: string;
}

export function useSheet<T extends Sheet & { stop?(): void }>(load: () => Promise<T>): Loaded<T> {
  const sheet = useSignal<T | undefined>(undefined);
  const error = useSignal("");
  useEffect(() => {
    let isGone = false;
    load().then(
      (loaded) => {
        if (!isGone) sheet.value = loaded;
      },
      (reason: Error) => (error.value = reason.message),
    );
    return () => {
      isGone = true;
      sheet.peek()?.stop?.();
    };
  }, []);
  return { sheet: sheet.value, error: error.value };
}
