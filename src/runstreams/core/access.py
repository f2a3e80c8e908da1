"""What a caller may do: the scope grammar of public tokens, `action:type[:id]`.

A scope without id holds for every id of its type, the type `all` for every type, the action `*` for
every action, and the bare word `admin` for everything. An id may itself contain colons.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from .model import StreamId

Resource = tuple[str, str | None]
"""A type and an id; None where something is asked of all ids at once."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a secret key or a token allows."""

    everything: bool
    scopes: frozenset[tuple[str, str, str | None]] = frozenset()
    """Action, type and id; None as id means any."""

    def allows(self, action: str, *resources: Resource) -> bool:
        """Say whether *action* is allowed on one of *resources*, which name the same thing."""
        if self.everything:
            return True
        return any(
            (known, kind, wanted) in self.scopes
            for known in (action, "*")
            for type_, id_ in resources
            for kind, wanted in ((type_, id_), (type_, None), ("all", None))
        )


SECRET_KEY = Grant(everything=True)
"""What the holder of a secret key may do."""


def grant(scopes: Iterable[str]) -> Grant:
    """Return what a token with *scopes* allows; a scope that makes no sense allows nothing."""
    parsed: set[tuple[str, str, str | None]] = set()
    for scope in scopes:
        if scope == "admin":
            return SECRET_KEY
        action, _, rest = scope.partition(":")
        type_, has_id, id_ = rest.partition(":")
        if not action or not type_ or (has_id and not id_.strip()):
            continue
        parsed.add((action, type_, id_ if has_id and type_ != "all" else None))
    return Grant(False, frozenset(parsed))


def of_run(run: str) -> tuple[Resource]:
    """Return what a scope must name to hold for *run*."""
    return (("runs", run),)


def of_stream(stream: StreamId) -> tuple[Resource, Resource]:
    """Return what a scope must name to hold for *stream*: its run, or the stream itself."""
    return ("runs", stream.run), ("streams", f"{stream.run}/{stream.key}")
