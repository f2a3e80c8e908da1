"""Where users find what is public: tracebacks, `repr` and pickles say so, too."""

from typing import TypeVar

PACKAGE = __name__.partition(".")[0]

_C = TypeVar("_C", bound=type)


def public(kind: _C) -> _C:
    """Name *kind* by the package, whatever module of ours it is defined in."""
    kind.__module__ = PACKAGE
    return kind
