"""What is asked and answered, as JSON schemas: those of records are read from their types."""

from collections.abc import Mapping
from dataclasses import is_dataclass
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from ...core.limits import CLOSE_ERROR_BYTES, FOLLOWED_NAMES, FOLLOWED_STREAMS
from ...core.model import Closed, RunInfo, RunPage, Span, StreamInfo, StreamPage
from ..fields import MOST

Schema = dict[str, Any]

NAMES: dict[type, str] = {
    Closed: "Closed",
    RunInfo: "Run",
    RunPage: "RunPage",
    StreamInfo: "Stream",
    StreamPage: "StreamPage",
}
"""The records that are answered as they are, by the names of their schemas."""

WHOLE: Schema = {"type": "integer", "minimum": 0, "maximum": MOST}

_PLAIN: dict[object, Schema] = {
    Span: {
        "type": "array",
        "items": WHOLE,
        "minItems": 2,
        "maxItems": 2,
        "description": "The first index of consecutive chunks, and the one after their last.",
    },
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    str: {"type": "string"},
    NoneType: {"type": "null"},
}

TEXT: Schema = {"type": "string"}
_TRUTH: Schema = {"type": "boolean"}
MOMENT: Schema = {"type": "integer", "description": "Milliseconds since 1970."}
MOMENT_TEXT: Schema = {"type": "string", "format": "date-time"}


def schema_of(kind: Any) -> Schema:
    """Return the schema of values of a type; a record is referred to."""
    if kind in _PLAIN:
        return _PLAIN[kind]
    if kind in NAMES:
        return ref(NAMES[kind])
    origin, args = get_origin(kind), get_args(kind)
    if origin is Literal:
        return {"enum": list(args)}
    if origin in (Union, UnionType):
        return {"anyOf": [schema_of(each) for each in args]}
    if origin in (list, tuple):
        return {"type": "array", "items": schema_of(args[0])}
    raise TypeError(f"no schema for {kind}")


def ref(name: str) -> Schema:
    """Return a reference to the schema *name*."""
    return {"$ref": f"#/components/schemas/{name}"}


def maybe(schema: Schema) -> Schema:
    """Return the schema of what may be null."""
    return {"anyOf": [schema, {"type": "null"}]}


def object_of(properties: Mapping[str, Schema], *optional: str, about: str = "") -> Schema:
    """Return the schema of an object that has all of *properties* but perhaps the *optional*."""
    required = [name for name in properties if name not in optional]
    said: Schema = {"type": "object", "properties": dict(properties), "required": required}
    return said | ({"description": about} if about else {})


def _record(kind: type) -> Schema:
    assert is_dataclass(kind)
    hints = get_type_hints(kind)
    about = (kind.__doc__ or "").strip()
    return object_of({name: schema_of(hint) for name, hint in hints.items()}, about=about)


CHUNK = object_of(
    {
        "index": WHOLE,
        "data": {"description": "The chunk: any JSON value, byte for byte as it was written."},
        "id": TEXT,
        "timestamp": MOMENT,
    }
)

PAGE = object_of(
    {
        "chunks": {"type": "array", "items": ref("Chunk")},
        "next_index": WHOLE,
        "tail": WHOLE,
        "closed": maybe(ref("Closed")),
        "leased_until": maybe(MOMENT),
        "superseded": {
            "type": "array",
            "items": schema_of(Span),
            "description": "Which chunks of the stream no longer count; absent where all do.",
        },
        "generation": {
            **TEXT,
            "description": "Which stream of its name; absent where ids of chunks say so, and where "
            "there is no stream.",
        },
    },
    *("superseded", "generation"),
    about="Consecutive chunks, and where to continue.",
)

_CURSOR: Schema = {**WHOLE, "description": "To be sent with the next request for a shared page."}

_POLLED = object_of(
    {
        **PAGE["properties"],
        "shared": {"const": True, "description": "Ask for pages instead."},
        "cursor": _CURSOR,
    },
    *("superseded", "generation", "shared", "cursor"),
    about=PAGE["description"],
)

_SHARED = object_of(
    {**PAGE["properties"], "cursor": _CURSOR},
    *("tail", "leased_until", "superseded", "generation", "cursor"),
    about="Consecutive chunks; of those that more follow nothing is said that changes.",
)

_ITEM: Schema = {
    "oneOf": [
        object_of({"key": TEXT, **PAGE["properties"]}, "superseded", "generation"),
        object_of({"key": TEXT, "error": {"type": "object"}}),
    ],
    "description": "What came of one of several streams: a page, or why it is not read on.",
}

_FOLLOWED: Schema = {
    "type": "object",
    "properties": {
        "streams": {
            "type": "object",
            "maxProperties": FOLLOWED_NAMES,
            "additionalProperties": maybe(WHOLE),
            "description": f"The first index wanted of each; up to {FOLLOWED_STREAMS} are.",
        },
        "all": {**_TRUTH, "default": False, "description": "Every other stream of the run, too."},
    },
    "additionalProperties": False,
}

_RECEIPT = object_of(
    {
        "first_index": maybe(WHOLE),
        "last_index": maybe(WHOLE),
        "tail": WHOLE,
        "stop": _TRUTH,
        "duplicate": _TRUTH,
        "leased_until": maybe(MOMENT),
        "fence": maybe(WHOLE),
    },
    about="What became of a body of chunks.",
)

_ENDING: Schema = {
    "type": "object",
    "properties": {
        "status": {"enum": ["completed", "failed", "canceled"], "default": "completed"},
        "error": {
            "type": ["string", "null"],
            "description": f"Why; up to {CLOSE_ERROR_BYTES} bytes.",
        },
    },
    "additionalProperties": False,
}

_LINEAGE: Schema = {
    "type": "object",
    "properties": {name: {"type": ["string", "null"]} for name in ("parent", "root")},
    "additionalProperties": False,
    "description": "Where a run comes from; what is not said stays as it was.",
}


def schemas() -> dict[str, Schema]:
    """Return all schemas but those of errors, by name."""
    return {
        **{name: _record(kind) for kind, name in NAMES.items()},
        "Chunk": CHUNK,
        "Page": _POLLED,
        "SharedPage": _SHARED,
        "Followed": _FOLLOWED,
        "Gathered": object_of(
            {
                "streams": {"type": "array", "items": _ITEM},
                "over": _TRUTH,
                "leased_until": maybe(MOMENT),
            }
        ),
        "Receipt": _RECEIPT,
        "Ending": _ENDING,
        "Lineage": _LINEAGE,
        "Appended": object_of({"ok": _TRUTH, "index": maybe(WHOLE), "tail": WHOLE, "stop": _TRUTH}),
        "Input": object_of({"data": {"description": "Any JSON value; it becomes one chunk."}}),
        "Registered": object_of({"version": {"const": "v1"}}),
        "StreamClosing": object_of({"closed": ref("Closed"), "tail": WHOLE}),
        "TakingOver": object_of({"fence": WHOLE, "tail": WHOLE, "leased_until": maybe(MOMENT)}),
        "StopAsked": object_of({"stop": _TRUTH, "tail": WHOLE}),
        "StreamDeletion": object_of({"deleted": _TRUTH}),
        "RunDeletion": object_of({"streams": WHOLE}),
        "TokenClaims": object_of({"sub": TEXT, "pub": _TRUTH}),
        "Health": object_of({"status": {"const": "ok"}, "version": TEXT}),
        "Entrance": object_of(
            dict.fromkeys(("name", "version", "dashboard", "openapi", "health"), TEXT),
            about="Where there is more; the addresses are relative to this one.",
        ),
    }
