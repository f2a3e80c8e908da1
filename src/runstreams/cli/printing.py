"""Chunks on standard output."""

import json
import sys
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from ..core.json_lines import utf8
from ..sdk.errors import RolledBack

T = TypeVar("T")


def print_all(pieces: Iterable[bytes], at_once: bool) -> None:
    """Print *pieces*; *at_once*, each as soon as it is there."""
    output = sys.stdout.buffer
    try:
        for piece in pieces:
            output.write(piece)
            if at_once:
                output.flush()
    finally:
        output.flush()


def going_on(chunks: Iterable[T]) -> Iterator[T]:
    """Yield what a reader gives, and say where some of what it gave no longer counts."""
    while True:
        try:
            # Not `yield from`: that would close the reader together with this.
            for chunk in chunks:  # noqa: UP028
                yield chunk
            return
        except RolledBack as back:
            sys.stdout.flush()
            print(f"runstreams: {back}", file=sys.stderr, flush=True)


def said(value: Any) -> bytes:
    """Return *value* as JSON."""
    return utf8(json.dumps(value, ensure_ascii=False))


def shown(text: str) -> bytes:
    """Return *text* in UTF-8, with the sign of what cannot be shown for half of a pair."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()
