/** What a browser tells of its page, as far as the reader listens. */

class Page extends EventTarget {
  visibilityState = "visible";
}

class Navigator {
  onLine = true;
}

/** Stand in for a browser's page; return what changes it. */
export function standIn() {
  const document = new Page();
  const window = new EventTarget();
  const navigator = new Navigator();
  Object.defineProperty(globalThis, "navigator", { value: navigator, configurable: true });
  Object.assign(globalThis, { document, window });
  return {
    show(state: "visible" | "hidden") {
      document.visibilityState = state;
      document.dispatchEvent(new Event("visibilitychange"));
    },
    setOnline(onLine: boolean) {
      navigator.onLine = onLine;
      if (onLine) window.dispatchEvent(new Event("online"));
    },
  };
}
