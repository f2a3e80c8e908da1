"""Colours, where somebody sees them: on a terminal."""

import os
from typing import TextIO

RED, GREEN, YELLOW, CYAN = 31, 32, 33, 36

_STATES = {
    "open": CYAN,
    "running": CYAN,
    "stopping": YELLOW,
    "completed": GREEN,
    "canceled": YELLOW,
    "failed": RED,
    "lost": RED,
}
"""The colour of how a stream or a run stands."""


def painted(text: str, colour: int | None, output: TextIO) -> str:
    """Return *text* in a colour for *output*, or as it is where that is no terminal, or where
    `NO_COLOR` is set.
    """
    if colour is None or os.environ.get("NO_COLOR") or not output.isatty():
        return text
    return f"\x1b[{colour}m{text}\x1b[0m"


def state(name: str, output: TextIO) -> str:
    """Return how a stream or a run stands, as a column of a table."""
    return painted(f"{name:9}", _STATES.get(name), output)
