/** A button that opens a menu of other buttons. */

import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";

export function Menu({
  title,
  label,
  children,
}: {
  title: string;
  /** What the button shows. */
  label: ComponentChildren;
  /** Given what shuts the menu, and brings the focus back to its button. */
  children: (shut: () => void) => ComponentChildren;
}) {
  const menu = useRef<HTMLDetailsElement>(null);
  useEffect(() => {
    const elsewhere = (event: Event) => {
      if (menu.current && !menu.current.contains(event.target as Node)) menu.current.open = false;
    };
    document.addEventListener("click", elsewhere);
    return () => document.removeEventListener("click", elsewhere);
  }, []);
  const shut = () => {
    menu.current!.open = false;
    menu.current!.querySelector("summary")!.focus();
  };
  return (
    <details
      class="menu"
      ref={menu}
      onKeyDown={(event) => {
        if (event.key !== "Escape" || !menu.current!.open) return;
        shut();
        event.preventDefault();
      }}
    >
      <summary class="button" title={title}>
        {label}
      </summary>
      <div class="items">{children(shut)}</div>
    </details>
  );
}
