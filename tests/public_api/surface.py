"""What users can name and how they can call it, as text: one line for each name.

`python -m tests.public_api.surface` writes it down anew. What changes there changes for users: it
belongs into the changelog.
"""

import dataclasses
import importlib
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args, get_overloads

from runstreams.sdk import aio, sync

FILE = Path(__file__).with_name("surface.txt")

MODULES = (
    "runstreams",
    "runstreams.aio",
    "runstreams.ai",
    "runstreams.errors",
    "runstreams.testing",
    "runstreams.transport",
)

RETURNED = {
    "runstreams": (sync.Passing, sync.RunScope),
    "runstreams.aio": (aio.Passing, aio.RunScope),
}
"""What calls return without the user naming it."""

NOT_MADE = {"Defined", "Piped", "Reader", "Run", "RunReader", "Transport", "Writer"}
"""Named for annotations; only calls make them."""

DUNDERS = ("__enter__", "__aenter__", "__iter__", "__aiter__", "__call__")


def surface() -> str:
    """Return the whole public surface."""
    return "".join(f"{line}\n" for module in MODULES for line in _module(module))


def _module(name: str) -> Iterator[str]:
    module = importlib.import_module(name)
    for public in module.__all__:
        yield from _member(f"{name}.{public}", getattr(module, public))
    for kind in RETURNED.get(name, ()):
        yield from _class(f"{name}:{kind.__name__}", kind, how_to_make=False)


def _member(name: str, value: Any) -> Iterator[str]:
    if isinstance(value, type) and issubclass(value, BaseException):
        bases = ", ".join(base.__name__ for base in value.__bases__)
        yield f"{name}({bases}) {getattr(value, 'code', '')}"
    elif isinstance(value, type):
        yield from _class(name, value, how_to_make=value.__name__ not in NOT_MADE)
    elif inspect.isfunction(value):
        yield from _calls(name, value)
    elif choices := get_args(value):
        yield f"{name}({' | '.join(choices)})"
    else:
        yield from _class(name, type(value), how_to_make=False)


def _class(name: str, kind: type, *, how_to_make: bool) -> Iterator[str]:
    if dataclasses.is_dataclass(kind):
        fields = (f"{field.name}{_default(field)}" for field in dataclasses.fields(kind))
        yield f"{name}({', '.join(fields)})"
        return
    yield f"{name}{_signature(kind)}" if how_to_make else name
    if issubclass(kind, tuple):
        return
    for attribute, value in _attributes(kind):
        yield from _attribute(f"{name}.{attribute}", value)


def _attributes(kind: type) -> Iterator[tuple[str, Any]]:
    names = [*dir(kind), *kind.__annotations__] if hasattr(kind, "__annotations__") else dir(kind)
    for attribute in sorted(set(names)):
        if not attribute.startswith("_") or attribute in DUNDERS:
            yield attribute, inspect.getattr_static(kind, attribute, None)


def _attribute(name: str, value: Any) -> Iterator[str]:
    if isinstance(value, classmethod | staticmethod):
        yield from _calls(name, value.__func__)
    elif inspect.isfunction(value):
        yield from _calls(name, value)
    else:
        yield name


def _calls(name: str, function: Callable[..., Any]) -> Iterator[str]:
    prefix = "await " if inspect.iscoroutinefunction(function) else ""
    for each in get_overloads(function) or [function]:
        yield f"{prefix}{name}{_signature(each)}"


def _signature(function: Callable[..., Any]) -> str:
    """Return names, kinds and defaults; types are for mypy and pyright to check."""
    signature = inspect.signature(function)
    kept = [
        parameter.replace(annotation=inspect.Parameter.empty)
        for parameter in signature.parameters.values()
        if parameter.name not in ("self", "cls")
    ]
    bare = signature.replace(parameters=kept, return_annotation=inspect.Signature.empty)
    return str(bare)


def _default(field: "dataclasses.Field[Any]") -> str:
    return "" if field.default is dataclasses.MISSING else f"={field.default}"


if __name__ == "__main__":
    FILE.write_text(surface())
