"""What each route takes, answers and refuses."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from ...core import errors as core
from .refusals import ALWAYS, APPENDING, BODY, GROWING, KEYED, STORED, TARGETED, Kind
from .schemas import TEXT, Schema, ref

JSON = "application/json"

STREAM = "/realtime/v1/streams/{run}/{target}/{key}"
READ = "/realtime/v1/streams/{run}/{key}"
INPUT = "/realtime/v1/streams/{run}/input/{key}"
RUNS = "/api/v1/runs"
RUN = f"{RUNS}/{{run}}"
STREAMS = f"{RUN}/streams"

_GUARDS = (
    "Content-Security-Policy",
    "Cross-Origin-Opener-Policy",
    "Referrer-Policy",
    "X-Content-Type-Options",
    "Cache-Control",
)
_EVENT_HEADERS = ("Cache-Control", "X-Stream-Version", "X-Accel-Buffering")
_ADVICE = "X-Stream-Linger-Ms"
_RECEIPT_HEADERS = (
    "X-Last-Index",
    "X-Stream-Tail",
    "X-Stream-Stop",
    "X-Stream-Leased-Until",
    "X-Stream-Fence",
    _ADVICE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One way in which a route answers."""

    about: str
    content: dict[str, Schema] = field(default_factory=dict)
    """Schemas by media type; none: there is no body."""
    headers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one path."""

    method: str
    path: str
    name: str
    about: str
    tag: str
    answers: dict[int, Answer]
    takes: tuple[str, ...] = ()
    """Names of parameters, beside those in the path."""
    body: dict[str, Schema] = field(default_factory=dict)
    """Schemas by media type."""
    needs_body: bool = False
    errors: tuple[Kind, ...] = ()
    refused_headers: tuple[str, ...] = ()
    """What a refusal may tell in its headers, beside what every one does."""
    needs: str | None = None
    """The scopes of which a token needs one; empty: the secret key; None: nobody is asked."""

    @property
    def kinds(self) -> Iterable[Kind]:
        """Everything that it may be refused with."""
        keyed = KEYED if self.needs is not None else ()
        return (*ALWAYS, *keyed, *(BODY if self.body else ()), *self.errors)


def _json(about: str, name: str, *headers: str) -> Answer:
    return Answer(about=about, content={JSON: ref(name)}, headers=headers)


def _of_stream(action: str) -> str:
    return f"`{action}:runs:{{run}}` or `{action}:streams:{{run}}/{{key}}`"


_NOT_A_TARGET = "; not one whose key is that of a target"


def _take_over(path: str, suffix: str, errors: tuple[Kind, ...] = ()) -> Operation:
    return Operation(
        method="POST",
        path=f"{path}/take-over",
        name=f"take_over_{suffix}",
        about=f"Keep earlier writers out{_NOT_A_TARGET if suffix == 'stream' else ''}.",
        tag="writing",
        takes=("client", "lease"),
        answers={200: _json("It is so.", "TakingOver")},
        errors=(*STORED, *GROWING, *errors, core.StreamClosed, core.InvalidIndex),
        needs=_of_stream("write"),
    )


def _verb(verb: str, path: str, suffix: str, errors: tuple[Kind, ...] = ()) -> Operation:
    is_close = verb == "close"
    what = "End a stream for good" if is_close else "Ask a stream's producer to stop"
    closing = (core.ClosedDifferently, core.FencedOff, core.InvalidIndex)
    return Operation(
        method="POST",
        path=f"{path}/{verb}",
        name=f"{verb}_{suffix}",
        about=f"{what}{_NOT_A_TARGET if suffix == 'stream' else ''}.",
        tag="writing",
        takes=("fence",) if is_close else (),
        body={JSON: ref("Ending") if is_close else {}},
        answers={200: _json("It is so.", "StreamClosing" if is_close else "StopAsked")},
        errors=(*STORED, *GROWING, *errors, *(closing if is_close else ())),
        needs=_of_stream("write") + ("" if is_close else f", {_of_stream('stop')}"),
    )


_WRITING = (
    Operation(
        method="PUT",
        path=STREAM,
        name="register_stream",
        about="Register a stream. The body is ignored.",
        tag="writing",
        answers={202: _json("Send JSON lines, to here.", "Registered")},
        errors=(*STORED, *TARGETED, *GROWING),
        needs=_of_stream("write"),
    ),
    Operation(
        method="POST",
        path=STREAM,
        name="write",
        about="Append the body's lines, one chunk a line; without lines, promise or ask.",
        tag="writing",
        takes=("client", "resume", "lease", "fence", "supersedes", "flavour", "trigger"),
        body={"application/x-ndjson": TEXT},
        answers={
            200: Answer(
                about="Stored. Without body, unless JSON is accepted.",
                content={JSON: ref("Receipt")},
                headers=_RECEIPT_HEADERS,
            )
        },
        errors=(
            *STORED,
            *TARGETED,
            *APPENDING,
            core.ChunkGap,
            core.FencedOff,
            core.IndexBeyondTail,
            core.InvalidIndex,
            core.SupersededTooOften,
        ),
        needs=_of_stream("write"),
    ),
    Operation(
        method="HEAD",
        path=STREAM,
        name="last_chunk",
        about="Say how far a client has come.",
        tag="writing",
        takes=("client", "flavour", "trigger"),
        answers={200: Answer(about="So far.", headers=("X-Last-Chunk-Index",))},
        errors=(*STORED, *TARGETED),
        needs=_of_stream("write"),
    ),
    Operation(
        method="POST",
        path=f"{STREAM}/append",
        name="append",
        about="Append the body, any text, as one chunk: a JSON string.",
        tag="writing",
        takes=("length", "part", "once"),
        body={"text/plain": TEXT},
        needs_body=True,
        answers={200: _json("Stored.", "Appended", _ADVICE)},
        errors=(*STORED, *TARGETED, *APPENDING),
        needs=_of_stream("write"),
    ),
    Operation(
        method="POST",
        path=INPUT,
        name="send_input",
        about="Send something into a run.",
        tag="writing",
        takes=("part", "once"),
        body={JSON: ref("Input")},
        needs_body=True,
        answers={200: _json("Stored.", "Appended", _ADVICE)},
        errors=(*STORED, *APPENDING),
        needs=f"`write:inputStreams:{{run}}`, {_of_stream('write')}",
    ),
    _verb("close", READ, "stream"),
    _verb("stop", READ, "stream"),
    _take_over(READ, "stream"),
    _verb("close", STREAM, "target", TARGETED),
    _verb("stop", STREAM, "target", TARGETED),
    _take_over(STREAM, "target", TARGETED),
)


def _read(path: str, name: str, about: str) -> Operation:
    return Operation(
        method="GET",
        path=path,
        name=name,
        about=f"{about}: a long poll, or with `Accept: text/event-stream` an event stream.",
        tag="reading",
        takes=("start", "wait", "chunks", "last_event", "latest", "silence"),
        answers={
            200: Answer(
                about="Chunks; none when nothing came in time.",
                content={JSON: ref("Page"), "text/event-stream": TEXT},
                headers=_EVENT_HEADERS,
            )
        },
        errors=(
            *STORED,
            core.InvalidIndex,
            core.NotJson,
            core.IndexExpired,
            core.IndexBeyondTail,
            core.NoEventStream,
            core.TooManyReaders,
        ),
        needs=_of_stream("read"),
    )


_READING = (
    Operation(
        method="POST",
        path="/realtime/v1/runs/{run}/follow",
        name="follow",
        about="Read several streams of a run: a long poll, or with `Accept: text/event-stream` an "
        "event stream.",
        tag="reading",
        takes=("wait", "chunks", "silence"),
        body={JSON: ref("Followed")},
        needs_body=True,
        answers={
            200: Answer(
                about="What came of them; nothing when nothing came in time.",
                content={JSON: ref("Gathered"), "text/event-stream": TEXT},
                headers=_EVENT_HEADERS,
            )
        },
        errors=(
            *STORED,
            core.NotJson,
            core.InvalidIndex,
            core.NoEventStream,
            core.TooManyReaders,
        ),
        needs=f"with `all`, `read:runs:{{run}}`; else {_of_stream('read')} for each stream",
    ),
    _read(READ, "read", "Read a stream"),
    _read(INPUT, "read_input", "Read what was sent into a run"),
)

_MANAGING = (
    Operation(
        method="GET",
        path=RUNS,
        name="list_runs",
        about="List recent runs, newest first. A page may have fewer than `limit` before the end.",
        tag="runs",
        takes=("limit", "after", "status", "parent"),
        answers={200: _json("Runs.", "RunPage")},
        errors=(*STORED, core.InvalidIndex),
        needs="`read:runs`",
    ),
    Operation(
        method="GET",
        path=RUN,
        name="describe_run",
        about="Describe a run.",
        tag="runs",
        answers={200: _json("The run.", "Run")},
        errors=(*STORED, core.NotThere),
        needs="`read:runs:{run}`",
    ),
    Operation(
        method="PUT",
        path=RUN,
        name="register_run",
        about="Register a run, say where it comes from, or how long its producer promises to live.",
        tag="runs",
        takes=("client", "lease"),
        body={JSON: ref("Lineage")},
        answers={200: _json("The run.", "Run")},
        errors=(*STORED, core.StoreFull, core.InvalidIndex),
        needs="`manage:runs:{run}`",
    ),
    Operation(
        method="POST",
        path=f"{RUN}/complete",
        name="complete_run",
        about="Complete a run: its streams close as it ended, and take no more chunks.",
        tag="runs",
        body={JSON: ref("Ending")},
        answers={200: _json("The run.", "Run")},
        errors=(*STORED, core.StoreFull, core.CompletedDifferently),
        needs="`manage:runs:{run}`",
    ),
    Operation(
        method="DELETE",
        path=RUN,
        name="delete_run",
        about="Delete a run with its streams.",
        tag="runs",
        answers={200: _json("How many streams there were.", "RunDeletion")},
        errors=STORED,
        needs="`manage:runs:{run}`",
    ),
    Operation(
        method="GET",
        path=STREAMS,
        name="list_streams",
        about="List a run's streams by key.",
        tag="streams",
        takes=("limit", "after"),
        answers={200: _json("Streams.", "StreamPage")},
        errors=STORED,
        needs="`read:runs:{run}`",
    ),
    Operation(
        method="GET",
        path=f"{STREAMS}/{{key}}",
        name="describe_stream",
        about="Describe a stream.",
        tag="streams",
        answers={200: _json("The stream.", "Stream")},
        errors=(*STORED, core.NotThere),
        needs=_of_stream("read"),
    ),
    Operation(
        method="DELETE",
        path=f"{STREAMS}/{{key}}",
        name="delete_stream",
        about="Delete a stream; its name used again starts at 0.",
        tag="streams",
        answers={200: _json("Whether there was one.", "StreamDeletion")},
        errors=STORED,
        needs=_of_stream("manage"),
    ),
    Operation(
        method="POST",
        path="/api/v1/auth/jwt/claims",
        name="token_claims",
        about="Say what a public token begins with; the holder of the secret key signs it.",
        tag="service",
        answers={200: _json("What it says.", "TokenClaims")},
        needs="",
    ),
    Operation(
        method="GET",
        path="/health",
        name="health",
        about="Say that the service answers.",
        tag="service",
        answers={200: _json("It does.", "Health")},
    ),
    Operation(
        method="GET",
        path="/metrics",
        name="metrics",
        about="Tell Prometheus what a local server measures; a function has no such path.",
        tag="service",
        answers={
            200: Answer(
                about="The figures.", content={"text/plain": TEXT}, headers=("Cache-Control",)
            )
        },
        errors=(core.NotThere,),
        needs="",
    ),
)


def _enter(method: str, name: str) -> Operation:
    content = {JSON: ref("Entrance")} if method == "GET" else {}
    return Operation(
        method=method,
        path="/",
        name=name,
        about="Lead a browser to the dashboard, and tell everybody else where there is what.",
        tag="service",
        answers={
            200: Answer(about="What there is.", content=content, headers=("Cache-Control",)),
            302: Answer(
                about="To who accepts text/html: the dashboard.",
                headers=("Location", "Cache-Control"),
            ),
        },
    )


_FRONT = (
    _enter("GET", "enter"),
    _enter("HEAD", "head_enter"),
    Operation(
        method="GET",
        path="/openapi.json",
        name="describe_api",
        about="This document.",
        tag="service",
        answers={
            200: Answer(
                about="The document.",
                content={JSON: {"type": "object"}},
                headers=("Cache-Control",),
            )
        },
    ),
)


def _files(method: str) -> Iterable[Operation]:
    """Yield what *method* does with the dashboard's page and files."""
    is_get, told = method == "GET", (*_GUARDS, "ETag")
    prefix = "" if is_get else "head_"
    known = Answer(about="What one has is the same.", headers=told)

    def found(*kinds: str) -> Answer:
        content = dict.fromkeys(kinds, TEXT) if is_get else {}
        return Answer(about="What was asked for.", content=content, headers=told)

    yield Operation(
        method=method,
        path="/dashboard",
        name=f"{prefix}dashboard",
        about="The dashboard's page.",
        tag="dashboard",
        takes=("known",),
        answers={200: found("text/html"), 304: known},
    )
    yield Operation(
        method=method,
        path="/dashboard/{file}",
        name=f"{prefix}dashboard_file",
        about="A file of the dashboard's page.",
        tag="dashboard",
        takes=("known",),
        answers={
            200: found("text/javascript", "text/css", "image/svg+xml", "text/plain"),
            304: known,
        },
        errors=(core.NotThere,),
    )


_DASHBOARD = (
    *_files("GET"),
    *_files("HEAD"),
    Operation(
        method="GET",
        path="/dashboard/",
        name="dashboard_beside",
        about="Lead to the page.",
        tag="dashboard",
        answers={308: Answer(about="To the page.", headers=("Location", *_GUARDS))},
    ),
)

OPERATIONS = (*_WRITING, *_READING, *_MANAGING, *_FRONT, *_DASHBOARD)
