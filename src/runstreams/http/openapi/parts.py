"""Parameters and headers that operations refer to by name."""

from typing import Any, get_args

from ...core.limits import (
    CLIENT_ID_BYTES,
    KEY_BYTES,
    LEASE_SECONDS_MAX,
    LIST_DEFAULT,
    LIST_MAX,
    PAGE_CHUNKS,
    PAGE_CHUNKS_DEFAULT,
    RUN_ID_BYTES,
    SILENCE_SECONDS,
    SILENCE_SECONDS_MAX,
    WAIT_SECONDS,
    WAIT_SECONDS_MAX,
)
from ...core.model import RunStatus
from ...core.runs import Target
from ..fields import MOST
from .schemas import MOMENT, TEXT, WHOLE, Schema

Part = dict[str, Any]


def _path(name: str, about: str, **schema: Any) -> Part:
    said = {"type": "string", "minLength": 1, **schema}
    return {"name": name, "in": "path", "required": True, "description": about, "schema": said}


def query(name: str, about: str, schema: Schema) -> Part:
    """Return a parameter of the query."""
    return {"name": name, "in": "query", "description": about, "schema": schema}


def header(name: str, about: str, schema: Schema, required: bool = False) -> Part:
    """Return a parameter that is a header."""
    more = {"required": True} if required else {}
    return {"name": name, "in": "header", "description": about, "schema": schema, **more}


def _count(most: int, default: int, least: int = 0) -> Schema:
    return {"type": "integer", "minimum": least, "maximum": most, "default": default}


ANY_PARTS = _path("name", "The stream's name, with any number of slashes, each sent as it is.")

PARAMETERS: dict[str, Part] = {
    "run": _path("run", f"The run's id, up to {RUN_ID_BYTES} bytes."),
    "key": _path("key", f"The stream's key, up to {KEY_BYTES} bytes."),
    "target": _path(
        "target", "The run itself, or the one its lineage names.", enum=list(get_args(Target))
    ),
    "file": _path("file", "A file of the dashboard's page."),
    "client": header(
        "X-Client-Id",
        f"Who writes; its own chunks are numbered. Up to {CLIENT_ID_BYTES} bytes.",
        TEXT,
    ),
    "resume": header(
        "X-Resume-From-Chunk", "The client's own number of the first line.", {**WHOLE, "default": 0}
    ),
    "lease": header(
        "X-Lease-Seconds",
        "A promise to be heard of within so many seconds; 0 takes it back.",
        {"type": "integer", "minimum": 0, "maximum": LEASE_SECONDS_MAX},
    ),
    "fence": header(
        "X-Stream-Fence",
        "How often the stream had been taken over when the writer began: refused once it is more.",
        WHOLE,
    ),
    "supersedes": header(
        "X-Stream-Supersedes",
        "From this index on, chunks before the body's no longer count; readers leave them out.",
        WHOLE,
    ),
    "flavour": header("X-Stream-Version", "Sent by the published writers.", TEXT),
    "trigger": header("trigger-version", "Sent by the published writers.", TEXT),
    "length": header("Content-Length", "Bytes of the body.", WHOLE, required=True),
    "part": header("X-Part-Id", "With it, a resend lands once.", TEXT),
    "once": header(
        "x-trigger-request-idempotency-key", "The same, where there is no X-Part-Id.", TEXT
    ),
    "start": query(
        "start",
        "The first index wanted, or only what comes; the oldest chunk left unless given.",
        {"anyOf": [WHOLE, {"const": "tail"}]},
    ),
    "wait": query(
        "wait",
        f"Seconds to wait for the first chunk; more than {WAIT_SECONDS_MAX} is cut to it.",
        {"type": "number", "minimum": 0, "default": WAIT_SECONDS},
    ),
    "chunks": query(
        "limit",
        f"Chunks in the page; more than {PAGE_CHUNKS} is cut to it.",
        _count(MOST, PAGE_CHUNKS_DEFAULT, 1),
    ),
    "last_event": header("Last-Event-ID", "Events: go on strictly after this index.", TEXT),
    "latest": header("X-Trigger-Stream-Start", "Events: only what comes.", {"enum": ["latest"]}),
    "silence": header(
        "Timeout-Seconds",
        "Events: end after so many seconds without a chunk.",
        _count(SILENCE_SECONDS_MAX, SILENCE_SECONDS),
    ),
    "limit": query("limit", "How many at most.", _count(LIST_MAX, LIST_DEFAULT, 1)),
    "after": query("after", "The `next` of the page before.", TEXT),
    "status": query("status", "Only runs that are so.", {"enum": list(get_args(RunStatus))}),
    "parent": query("parent", "Only runs that were registered with this parent.", TEXT),
    "known": header("If-None-Match", "The ETag of what one has.", TEXT),
}

HEADERS: dict[str, Part] = {
    "X-Request-Id": {"description": "The request's id; it is in the log.", "schema": TEXT},
    "X-Last-Index": {"description": "Index of the body's last chunk.", "schema": WHOLE},
    "X-Stream-Tail": {"description": "The tail afterwards.", "schema": WHOLE},
    "X-Stream-Stop": {
        "description": "Whether somebody asked the producer to stop.",
        "schema": {"enum": ["true", "false"]},
    },
    "X-Stream-Leased-Until": {
        "description": "Until when a producer has promised to be heard of.",
        "schema": MOMENT,
    },
    "X-Stream-Fence": {
        "description": "How often the stream had been taken over when the first line was stored.",
        "schema": WHOLE,
    },
    "X-Stream-Linger-Ms": {
        "description": "For how long to gather chunks before the next append, in milliseconds.",
        "schema": WHOLE,
    },
    "X-Last-Chunk-Index": {
        "description": "The client's own number of its last chunk; -1 if there is none.",
        "schema": {"type": "integer", "minimum": -1, "maximum": MOST},
    },
    "X-Stream-Version": {"description": "How events look.", "schema": {"const": "v2"}},
    "X-Accel-Buffering": {"description": "For proxies.", "schema": {"const": "no"}},
    "Cache-Control": {"description": "Whether it may be kept.", "schema": TEXT},
    "ETag": {"description": "What tells this version from others.", "schema": TEXT},
    "Location": {"description": "Where it is, relative to here.", "schema": TEXT},
    "Content-Security-Policy": {"description": "What the page may do.", "schema": TEXT},
    "Cross-Origin-Opener-Policy": {"description": "Who opened it.", "schema": TEXT},
    "Referrer-Policy": {"description": "What links tell.", "schema": TEXT},
    "X-Content-Type-Options": {"description": "It is what it says.", "schema": TEXT},
    "x-should-retry": {"description": "Refused for good.", "schema": {"const": "false"}},
    "WWW-Authenticate": {"description": "How to say who one is.", "schema": {"const": "Bearer"}},
    "Retry-After": {"description": "Seconds to wait before trying again.", "schema": WHOLE},
}
