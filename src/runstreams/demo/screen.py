"""What the demo shows: each writer's text as it arrives, notes, and the checks at the end."""

import os
import sys

_COLOURS = {"keeping": 36, "reading": 33, "progress": 35, "note": 1, "pass": 32, "fail": 31}


class Screen:
    """Prints line by line, in colours on a terminal and plainly elsewhere."""

    def __init__(self) -> None:
        self._coloured = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        self._unfinished: dict[str, str] = {}
        self.failed = 0

    def text(self, writer: str, text: str) -> None:
        """Show a piece of *writer*'s text once the line it belongs to is complete."""
        *lines, rest = (self._unfinished.get(writer, "") + text).split("\n")
        self._unfinished[writer] = rest
        for line in lines:
            self._show(writer, f"{writer:>8} │ ", line)

    def progress(self, done: int, of: int) -> None:
        bar = "█" * (20 * done // of)
        self._show("progress", "progress │ ", f"{bar:░<20} {done} of {of}")

    def note(self, text: str) -> None:
        self._show("note", "", f"\n{text}\n")

    def check(self, holds: bool, what: str) -> None:
        """Show whether *what* was found true, and remember if not."""
        self.failed += not holds
        self._show("pass" if holds else "fail", "  ✔ " if holds else "  ✘ ", what)

    def _show(self, kind: str, label: str, text: str) -> None:
        if self._coloured:
            label, text = f"\033[{_COLOURS[kind]}m{label}", f"{text}\033[0m"
        print(label + text, flush=True)
