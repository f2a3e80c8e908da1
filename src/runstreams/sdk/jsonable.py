"""What Python has beside JSON, as JSON: in the words of pydantic, which need not be installed."""

from base64 import b64encode
from collections import deque
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import lru_cache, singledispatch
from inspect import signature
from pathlib import PurePath
from typing import Any
from uuid import UUID

_KINDS_KEPT = 1024
"""Classes of which it is remembered how they are made JSON of."""

_SCALARS = (str, int, float, type(None))
"""What JSON has, and takes for a key as well; a bool is an int."""


@singledispatch
def jsonable(value: Any) -> Any:
    """Return what stands for *value*, which JSON does not know; there may be more of it inside.

    Raises `TypeError` where nothing does.
    """
    kind: Any = type(value)
    return _shape(kind)(value)


@lru_cache(_KINDS_KEPT)
def _shape(kind: type) -> Callable[[Any], Any]:
    """Return what makes JSON of the values of *kind*, a class that is not Python's."""
    # All of them are known by what they have, since pydantic need not be installed.
    if _is_wire_model(kind):
        return lambda value: value.to_dict(mode="json")
    if hasattr(kind, "model_dump"):
        known: dict[str, Any] = {"by_alias": True, "exclude_none": _is_ui_chunk(kind)}
        return lambda value: value.model_dump(mode="json", **known)
    # https://github.com/pydantic/pydantic/blob/main/pydantic/_internal/_dataclasses.py
    if is_dataclass(kind) and (of_pydantic := getattr(kind, "__pydantic_serializer__", None)):
        return lambda value: of_pydantic.to_python(value, mode="json", by_alias=True)
    if is_dataclass(kind):
        return lambda value: {each.name: getattr(value, each.name) for each in fields(value)}
    raise TypeError(f"{kind.__name__} is neither JSON, nor a dataclass or pydantic model")


def is_wire_model(value: object) -> bool:
    """Say whether *value* is a model SDK's own, which knows how it came over the wire: by the names
    there, and without what was not said.
    """
    kind: Any = type(value)
    return _is_wire_model(kind)


@lru_cache(_KINDS_KEPT)
def _is_wire_model(kind: type) -> bool:
    return _takes(kind, "to_dict", "mode")


def _is_ui_chunk(kind: type) -> bool:
    """Say whether values of *kind* are Pydantic AI's for the Vercel AI SDK, which takes no null
    where something is left out.
    """
    return _takes(kind, "encode", "sdk_version")


def _takes(kind: type, method: str, parameter: str) -> bool:
    """Say whether *kind* is a model's class with a *method* that has this *parameter*."""
    known = getattr(kind, method, None) if hasattr(kind, "model_dump") else None
    return callable(known) and parameter in signature(known).parameters


@jsonable.register
def _(value: datetime | time) -> str:
    text = value.isoformat()
    at = value.utcoffset()
    if not at:
        return text.removesuffix("+00:00") + ("" if at is None else "Z")
    return text[: text.rindex(":")] if at % timedelta(minutes=1) else text


@jsonable.register
def _(value: date) -> str:
    return value.isoformat()


@jsonable.register
def _(value: timedelta) -> str:
    days, rest = divmod(abs(value), timedelta(days=1))
    years, days = divmod(days, 365)
    hours, rest = divmod(rest, timedelta(hours=1))
    minutes, rest = divmod(rest, timedelta(minutes=1))
    seconds = f"{rest.seconds}.{rest.microseconds:06}".rstrip("0").rstrip(".")
    return "".join(
        [
            "-P" if value < timedelta() else "P",
            *(f"{count}{unit}" for count, unit in ((years, "Y"), (days, "D")) if count),
            "T" if hours or minutes or rest or not value else "",
            *(f"{count}{unit}" for count, unit in ((hours, "H"), (minutes, "M")) if count),
            f"{seconds}S" if rest or not value else "",
        ]
    )


@jsonable.register
def _(value: UUID | Decimal | PurePath) -> str:
    return str(value)


@jsonable.register
def _(value: bytes | bytearray | memoryview) -> str:
    return b64encode(value).decode()  # as AWS has them in JSON


@jsonable.register
def _(value: Enum) -> Any:
    return value.value


@jsonable.register
def _(value: set | frozenset | deque) -> list[Any]:  # type: ignore[type-arg]
    return list(value)


def with_plain_keys(value: Any) -> Any:
    """Return *value* with every key as JSON takes it. Raises `TypeError`."""
    if isinstance(value, _SCALARS):
        return value
    if isinstance(value, dict):
        return {_key(key): with_plain_keys(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [with_plain_keys(each) for each in value]
    return with_plain_keys(jsonable(value))


def _key(key: Any) -> Any:
    return key if isinstance(key, _SCALARS) else _key(jsonable(key))
