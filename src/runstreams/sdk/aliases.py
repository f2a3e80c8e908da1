"""By which names the fields of a pydantic type are written, so that it reads them again.

Usually that is by their aliases. But a field may be read by one and written by another, or have
only one of the two; what both know then is its own name.

That is read from the schema which pydantic makes of a type, whose parts stand in
https://github.com/pydantic/pydantic/blob/main/pydantic-core/python/pydantic_core/core_schema.py.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

_READING_BY_NAME = (2, 11)
"""The first pydantic that can be told to read by names what has aliases."""

OTHER = ("default", "metadata")
"""Parts of a schema that are no schemas."""


class Names(NamedTuple):
    """What a type's adapter is told when it writes, and when it reads."""

    writing: dict[str, Any]
    reading: dict[str, Any]


def names_of(schema: Any, version: str) -> Names:
    """Return by which names a type of this core schema is written and read by pydantic's
    *version*.
    """
    fields = list(_fields(schema))
    by_alias = all(each.alias is None or each.alias in each.readable for each in fields)
    if by_alias and all((each.alias or each.name) in each.readable for each in fields):
        return Names({"by_alias": True}, {})
    knows = tuple(map(int, version.split(".")[:2])) >= _READING_BY_NAME
    return Names({"by_alias": by_alias}, {"by_alias": True, "by_name": True} if knows else {})


class _Field(NamedTuple):
    name: str
    alias: str | None
    """What it is written as, if not by its name."""
    readable: set[str]
    """What it is read as."""


def _fields(schema: Any, name: str = "") -> Iterator[_Field]:
    """Yield the fields of all models, dataclasses and typed dicts in *schema*, called *name*."""
    if isinstance(schema, dict):
        if str(schema.get("type")).endswith("-field"):
            yield _field(schema.get("name", name), schema)
        for key, each in schema.items():
            if key not in OTHER:
                yield from _fields(each, key)
    elif isinstance(schema, list | tuple):
        for each in schema:
            yield from _fields(each)


def _field(name: str, schema: dict[str, Any]) -> _Field:
    alias = schema.get("serialization_alias")
    match schema.get("validation_alias"):
        case None:
            return _Field(name, alias, {name})
        case str(one):
            return _Field(name, alias, {one})
        case choices:  # or one path of several steps, as which nothing is written
            return _Field(name, alias, {each[0] for each in choices if _is_one_step(each)})


def _is_one_step(path: object) -> bool:
    return isinstance(path, list) and len(path) == 1
