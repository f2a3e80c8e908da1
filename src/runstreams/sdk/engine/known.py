"""Who is there now, of those that are held weakly and that any thread adds to."""

from collections.abc import Iterable
from typing import TypeVar

T = TypeVar("T")


def all_of(known: Iterable[T]) -> list[T]:
    """Return what is in *known*, a weak set or the keys of a weak dictionary.

    These are gone through step by step, and raise when another thread adds to them between two.
    """
    while True:
        try:
            return list(known)
        except RuntimeError:
            continue
