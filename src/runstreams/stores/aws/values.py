"""Values and items as DynamoDB takes them."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ...core.errors import StoreError
from ...core.limits import DAY_MS
from ...core.model import FORMAT
from .layout import is_short, is_spread

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

    Value = AttributeValueTypeDef
    Item = dict[str, AttributeValueTypeDef]

_SPREAD_HEAD = 2
"""The form of a head whose objects have a hash in their names. It is the other one in all else, but
whoever does not know it does not find the objects, and so must leave the head alone.
"""

INLINE_HEAD = 3
"""The form of a head in whose pointers batches may lie, or that knows its clients by hashes,
wherever its objects are. Whoever does not know that must leave it alone as well.
"""

FORK_HEAD = 4
"""The form of a head that was forked, or forked from: whoever does not know that would not find its
chunks, or delete those that others need.
"""

FENCED_HEAD = 5
"""The form of a head that was taken over, or of which chunks were superseded: whoever does not know
that would take chunks of those who are kept out, and show what no longer counts. The latest one.
"""

_TTL_SLACK_MS = DAY_MS
"""How long DynamoDB waits before it may remove what has expired, for clocks that differ."""


def number(value: int) -> "Value":
    """Return a number."""
    return {"N": str(value)}


def number_or_null(value: int | None) -> "Value":
    """Return a number, or the value that says that there is none."""
    return {"NULL": True} if value is None else number(value)


def optional_number(value: "Value") -> int | None:
    """Return what `number_or_null` was given."""
    return int(value["N"]) if "N" in value else None


def text(value: str) -> "Value":
    """Return a string."""
    return {"S": value}


def ttl(expires: int) -> "Value":
    """Return when an item may be removed that expires at *expires* ms, in DynamoDB's seconds."""
    return number((expires + _TTL_SLACK_MS) // 1000)


def form() -> "Value":
    """Return the version of the form of most items, which every one carries as *v*."""
    return number(FORMAT)


def head_form(generation: str, inlines: bool, forks: bool = False, fenced: bool = False) -> "Value":
    """Return the version of the form of a head, by its *generation*, whether batches may lie in
    its pointers, whether it *forks*: has chunks of others, or others have of its own; and whether
    it is *fenced*: was taken over, or has chunks that no longer count.
    """
    if fenced:
        return number(FENCED_HEAD)
    if forks:
        return number(FORK_HEAD)
    if inlines or is_short(generation):
        return number(INLINE_HEAD)
    return number(_SPREAD_HEAD if is_spread(generation) else FORMAT)


def check_form(item: "Mapping[str, Value]", latest: int = FORMAT) -> None:
    """Raise `StoreError` if *item* has the form of a later version than *latest*."""
    found = int(item["v"]["N"])
    if not FORMAT <= found <= latest:
        raise StoreError(f"an item has format {found}; this version reads format {latest}")
