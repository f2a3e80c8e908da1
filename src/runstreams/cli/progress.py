"""The line that shows, on a terminal, how far a pipe has come."""

import os
import sys
from typing import Any

from ..sdk.sync import Piped
from .stdin import Input

_USUAL_COLUMNS = 80
"""Of a terminal that does not say."""

_CLEAR = "\r\x1b[K"


class Progress:
    """One line on stderr that is written over; nothing where that is no terminal."""

    def __init__(self, piped: Piped[Any], given: Input) -> None:
        self._name = f"{piped.run}/{piped.key}"
        self._given = given
        self._shown = sys.stderr.isatty()

    def show(self) -> None:
        """Write how many chunks have come."""
        if self._shown:
            print(_CLEAR + self._line(), end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        """Leave the line as it is in the end."""
        if self._shown:
            print(_CLEAR + self._line(), file=sys.stderr, flush=True)
            self._shown = False

    def _line(self) -> str:
        line = f"{self._name}: {self._given.count:,} chunks, {self._given.size:,} bytes"
        # A line that wraps could not be written over.
        columns = os.get_terminal_size(sys.stderr.fileno()).columns or _USUAL_COLUMNS
        return line[: columns - 1]
