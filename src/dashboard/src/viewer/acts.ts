/** What buttons and keys do. */

import { copy } from "../clipboard.js";
import { note } from "../navigation.js";
import { format, type Mode } from "../route.js";
import { say } from "../views/parts.js";
import type { View } from "./view.js";

export interface Acts {
  /** Go to the next match, or the one before. */
  step(direction: 1 | -1): void;
  jump(index: number): void;
  top(): void;
  bottom(): void;
  setMode(mode: Mode): void;
  togglePause(): void;
  /** Put the selected chunk on the clipboard. */
  copy(): void;
  /** The address of what is looked at. */
  link(): string;
}

export function actsOf(view: View): Acts {
  const { feed } = view;
  const here = () => {
    const at = view.selected.peek() ?? view.edge();
    return {
      run: feed.run,
      key: feed.key,
      ...(at !== undefined && { at }),
      view: view.mode.peek(),
    };
  };
  const acts: Acts = {
    step(direction) {
      if (view.mode.peek() !== "list") {
        const { at, count } = view.places.peek();
        if (count) view.places.value = { at: ((at - 1 + direction + count) % count) + 1, count };
        view.follow(false);
        return;
      }
      const from = view.selected.peek() ?? (view.edge() ?? 0) - direction;
      const found = feed.search.peek()?.step(from, direction);
      if (found === undefined) return;
      view.follow(false);
      view.selected.value = found;
      view.wanted.value = { index: found, at: "near" };
    },
    jump(index) {
      const { first, last } = feed.chunks;
      view.follow(false);
      const isHeld = first && index >= first.index && index <= last!.index;
      if (!isHeld) feed.jump(index);
      view.selected.value = index;
      view.wanted.value = { index, at: "top" };
      note({ at: index });
    },
    top() {
      view.follow(false);
      if (feed.hasEarlier) {
        feed.jump(feed.oldest);
        view.selected.value = undefined;
      }
      view.wanted.value = { index: 0, at: "top" };
    },
    bottom() {
      view.selected.value = undefined;
      view.follow(true);
      if (feed.state.peek() === "full") feed.resume();
    },
    setMode(mode) {
      view.mode.value = mode;
      note({ view: mode });
      view.follow(view.isFollowing.peek());
    },
    togglePause() {
      if (feed.isReading) feed.pause();
      else if (feed.state.peek() === "full") feed.jump((feed.chunks.last?.index ?? 0) + 1);
      else feed.resume();
    },
    copy: () => void copyOne(view),
    link: () => location.origin + location.pathname + format(here()),
  };
  return acts;
}

async function copyOne(view: View): Promise<void> {
  const index = view.selected.peek();
  const position = index === undefined ? -1 : view.positionOf(index);
  const chunk = position < 0 ? undefined : view.at(position);
  if (!chunk) return;
  try {
    await copy(chunk.text);
    say(`Copied chunk ${index}`);
  } catch (error) {
    say(`Not copied: ${(error as Error).message}`);
  }
}
