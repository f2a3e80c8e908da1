"""Errors in the document: their schemas and statuses, read from their classes."""

from collections.abc import Iterable
from dataclasses import MISSING, fields
from itertools import groupby
from typing import Any, get_type_hints

from ...core import errors as core
from ...core.errors import RunstreamsError
from .. import trigger
from ..errors import (
    HeadTooLarge,
    Internal,
    InvalidParams,
    UnsupportedEncoding,
    is_for_good,
    status_of,
)
from .schemas import TEXT, WHOLE, Schema, maybe, object_of, ref, schema_of

Kind = type[RunstreamsError]

ALWAYS: tuple[Kind, ...] = (core.InvalidRequest, HeadTooLarge, Internal)
"""What any request may be refused with."""

STORED: tuple[Kind, ...] = (
    core.InvalidName,
    core.StoreError,
    core.ObjectMissing,
    core.Uncertain,
    core.Busy,
)
"""What every request that asks the store may be refused with."""

KEYED: tuple[Kind, ...] = (core.Unauthenticated, core.Unauthorized, core.Busy)
"""What every request that needs a key may be refused with: `Busy` while keys are looked up."""

BODY: tuple[Kind, ...] = (core.BodyTooLarge, UnsupportedEncoding)
TARGETED: tuple[Kind, ...] = (InvalidParams, core.TargetMissing)
GROWING: tuple[Kind, ...] = (
    core.StoreFull,
    core.RunCompleted,
    core.TooManyStreams,
    core.DeletedWithForks,
)
APPENDING: tuple[Kind, ...] = (
    *(core.InvalidChunk, core.ChunkTooLarge, core.StreamClosed, core.StreamFull),
    core.NotJson,
    *GROWING,
)

EVERY: tuple[Kind, ...] = (
    *ALWAYS,
    *STORED,
    *KEYED,
    *BODY,
    *TARGETED,
    *APPENDING,
    core.InvalidIndex,
    core.ChunkGap,
    core.FencedOff,
    core.SupersededTooOften,
    core.ClosedDifferently,
    core.CompletedDifferently,
    core.NotThere,
    core.IndexExpired,
    core.IndexBeyondTail,
    core.TooManyReaders,
    core.NoEventStream,
)

_COMMON = {each.name for each in fields(RunstreamsError)}


def error_schemas(more: Iterable[Kind]) -> dict[str, Schema]:
    """Return the schema of what stands in `error`, by the names of the classes: those of our own
    routes, and *more*.
    """
    return {kind.__name__: _schema(kind) for kind in (*EVERY, *more)}


def _schema(kind: Kind) -> Schema:
    facts, optional = _facts(kind)
    more = {name: {"const": said} for name, said in _unauthorized(kind).items()}
    properties = {"code": {"const": kind.code}, "message": TEXT, **facts, **more}
    properties |= {"request_id": TEXT, "line": WHOLE, "last_index": maybe(WHOLE)}
    about = " ".join((kind.__doc__ or "").split())
    return object_of(properties, *optional, "line", "last_index", about=about)


def _facts(kind: Kind) -> tuple[dict[str, Schema], list[str]]:
    """Return the schemas of what errors of a *kind* tell, and what they may leave out."""
    hints = get_type_hints(kind)
    own = [each for each in fields(kind) if each.name not in _COMMON]
    facts = {each.name: schema_of(hints[each.name]) for each in own}
    optional = [each.name for each in own if each.default is not MISSING]
    if _may_pass(kind):
        facts["retry_after"] = WHOLE
        optional.append("retry_after")
    return facts, optional


def _may_pass(kind: Kind) -> bool:
    """Say whether an error of *kind* may tell when to try again."""
    return issubclass(kind, core.StoreError | core.TooMany)


def _unauthorized(kind: Kind) -> dict[str, str]:
    return trigger.UNAUTHORIZED_FACTS if kind is core.Unauthorized else {}


def refusals(
    kinds: Iterable[Kind], headers: Iterable[str] = (), *, bodiless: bool = False
) -> dict[str, Any]:
    """Return the answers that tell of errors of *kinds*, by status, with *headers* beside those of
    every refusal; to HEAD they are *bodiless*.
    """
    ordered = sorted(set(kinds), key=lambda kind: (status_of(kind), kind.code))
    return {
        str(status): _refusal(list(found), headers, bodiless)
        for status, found in groupby(ordered, key=status_of)
    }


def _refusal(kinds: list[Kind], headers: Iterable[str], bodiless: bool) -> dict[str, Any]:
    said: dict[str, Any] = {
        "description": ", ".join(f"`{kind.code}`" for kind in kinds),
        "headers": {name: ref_header(name) for name in (*_headers(kinds), *headers)},
    }
    if not bodiless:
        schema = object_of({"error": _one_of(kinds)})
        said["content"] = {"application/json": {"schema": schema}}
    return said


def _one_of(kinds: list[Kind]) -> Schema:
    mapping = {kind.code: ref(kind.__name__)["$ref"] for kind in kinds}
    return {
        "oneOf": [ref(kind.__name__) for kind in kinds],
        "discriminator": {"propertyName": "code", "mapping": mapping},
    }


def _headers(kinds: list[Kind]) -> list[str]:
    """Return the headers that some of *kinds*, all of one status, are sent with."""
    names = ["X-Request-Id", "Cache-Control"]
    names += ["x-should-retry"] if any(map(is_for_good, kinds)) else []
    names += ["WWW-Authenticate"] if core.Unauthenticated in kinds else []
    return names + (["Retry-After"] if any(map(_may_pass, kinds)) else [])


def ref_header(name: str) -> Schema:
    """Return a reference to the header *name*."""
    return {"$ref": f"#/components/headers/{name}"}
