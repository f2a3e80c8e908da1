"""What the open protocol Durable Streams takes, answers and refuses, at its one path."""

from ...core import entries, forking
from ...core import errors as core
from ...core.limits import PRODUCER_ID_BYTES
from ..durable.requests import PATH
from .operations import Answer, Operation
from .parts import ANY_PARTS, Part, header, query
from .refusals import BODY, GROWING, STORED, Kind
from .schemas import MOMENT_TEXT, TEXT, WHOLE, Schema

STREAM = f"{PATH}{{name}}"

_OFFSET: Schema = {"type": "string", "pattern": "^[0-9]{16}_[0-9]{16}$"}
_TRUE: Schema = {"const": "true"}

PARAMETERS: dict[str, Part] = {
    "name": ANY_PARTS,
    "offset": query("offset", "Where to go on: what was told, `-1` for the start, or `now`.", TEXT),
    "live": query("live", "Wait for what comes; needs an offset.", {"enum": ["long-poll", "sse"]}),
    "cursor": query("cursor", "The `Stream-Cursor` of the answer before.", TEXT),
    "ttl": header("Stream-TTL", "Seconds without use after which it is over.", WHOLE),
    "expires_at": header("Stream-Expires-At", "When it is over; not with a TTL.", MOMENT_TEXT),
    "closed": header("Stream-Closed", "The stream ends with this.", _TRUE),
    "forked_from": header("Stream-Forked-From", "The path of the stream to fork.", TEXT),
    "fork_offset": header("Stream-Fork-Offset", "Where the fork parts from it; its tail.", TEXT),
    "fork_sub_offset": header(
        "Stream-Fork-Sub-Offset", "Bytes, or JSON values, after that offset.", WHOLE
    ),
    "order": header("Stream-Seq", "Comes after all that were sent before, as text.", TEXT),
    "producer": header(
        "Producer-Id",
        f"Who sends, so that a resend lands once; up to {PRODUCER_ID_BYTES} bytes.",
        TEXT,
    ),
    "epoch": header("Producer-Epoch", "Which life of the producer this is.", WHOLE),
    "number": header("Producer-Seq", "Counts its requests in this life, from 0.", WHOLE),
}

HEADERS: dict[str, Part] = {
    "Stream-Next-Offset": {"description": "Where to go on.", "schema": _OFFSET},
    "Stream-Up-To-Date": {"description": "There is no more now.", "schema": _TRUE},
    "Stream-Closed": {"description": "There will be no more.", "schema": _TRUE},
    "Stream-Cursor": {
        "description": "To be sent with the next live read.",
        "schema": {"type": "integer"},
    },
    "Stream-TTL": {"description": "Seconds without use after which it is over.", "schema": WHOLE},
    "Stream-Expires-At": {"description": "When it is over.", "schema": MOMENT_TEXT},
    "Stream-SSE-Data-Encoding": {
        "description": "How bytes stand in events.",
        "schema": {"const": "base64"},
    },
    "Producer-Epoch": {"description": "The producer's present life.", "schema": WHOLE},
    "Producer-Seq": {"description": "The last of its requests that is stored.", "schema": WHOLE},
    "Producer-Expected-Seq": {"description": "The one that must come next.", "schema": WHOLE},
    "Producer-Received-Seq": {"description": "The one that came.", "schema": WHOLE},
    "Cross-Origin-Resource-Policy": {"description": "Any page may have it.", "schema": TEXT},
}

KINDS: tuple[Kind, ...] = (
    entries.AgreedDifferently,
    entries.ContentTypeDiffers,
    entries.OrderBehind,
    entries.EpochOver,
    entries.TurnMissing,
    forking.ForkedTooDeep,
)
"""What it is refused with beside what our own routes are."""

_SAFE = ("X-Content-Type-Options", "Cross-Origin-Resource-Policy")
_TOLD = ("Stream-Next-Offset", "Stream-TTL", "Stream-Expires-At", "Stream-Closed", *_SAFE)
_READ = ("Stream-Next-Offset", "Stream-Up-To-Date", "Stream-Closed", "Stream-Cursor", *_SAFE)
_TURN = ("Stream-Next-Offset", "Stream-Closed", "Producer-Epoch", "Producer-Seq", *_SAFE)
_REFUSED = (
    *("Stream-Closed", "Stream-Next-Offset", "Producer-Epoch"),
    *("Producer-Expected-Seq", "Producer-Received-Seq", *_SAFE),
)
_ENTRY = ("closed", "order", "producer", "epoch", "number")
_ANYTHING: dict[str, Schema] = {"*/*": {}}


def _operation(
    method: str,
    name: str,
    about: str,
    action: str,
    answers: dict[int, Answer],
    errors: tuple[Kind, ...] = (),
    takes: tuple[str, ...] = (),
    body: dict[str, Schema] | None = None,
) -> Operation:
    return Operation(
        method=method,
        path=STREAM,
        name=name,
        about=about,
        tag="durable",
        takes=takes,
        body=body or {},
        answers=answers,
        errors=(*STORED, core.InvalidRequest, *errors),
        refused_headers=_REFUSED,
        needs=f"`{action}:runs:{{run}}` or `{action}:streams:{{run}}/{{key}}`, of what the name "
        "stands for",
    )


OPERATIONS = (
    _operation(
        "PUT",
        "create_durable",
        "Create a stream, or find it as it was asked for; what it begins with may come along, of "
        "its own or of the stream that it is forked from.",
        "write",
        {
            201: Answer(about="Created.", headers=("Location", *_TOLD)),
            200: Answer(about="It is there already.", headers=_TOLD),
        },
        errors=(
            *(*GROWING, *KINDS, *BODY, core.InvalidChunk, core.ChunkTooLarge, core.StreamFull),
            *(core.NotThere, core.InvalidIndex, core.IndexExpired, core.StreamClosed),
        ),
        takes=(*("ttl", "expires_at", "forked_from", "fork_offset", "fork_sub_offset", *_ENTRY),),
        body=_ANYTHING,
    ),
    _operation(
        "POST",
        "append_durable",
        "Append to a stream, close it, or both: JSON values, those of an array one by one, or "
        "bytes, as the stream's content type says.",
        "write",
        {
            200: Answer(about="Stored, of a producer.", headers=_TURN),
            204: Answer(about="Stored, or stored before.", headers=_TURN),
        },
        errors=(
            *(*GROWING, *KINDS, *BODY, core.InvalidChunk, core.ChunkTooLarge, core.StreamFull),
            *(core.NotThere, core.StreamClosed),
        ),
        takes=_ENTRY,
        body=_ANYTHING,
    ),
    _operation(
        "GET",
        "read_durable",
        "Read what a stream holds from an offset on; live, wait for more.",
        "read",
        {
            200: Answer(
                about="What it holds, as its content type says, or events.",
                content={**_ANYTHING, "text/event-stream": TEXT},
                headers=(
                    *(*_READ, "ETag", "Cache-Control", "X-Accel-Buffering"),
                    "Stream-SSE-Data-Encoding",
                ),
            ),
            204: Answer(about="Nothing came in time.", headers=(*_READ, "Cache-Control")),
            304: Answer(
                about="It is what one has.",
                headers=(*_READ, "ETag", "Cache-Control"),
            ),
        },
        errors=(
            *(core.NotThere, core.DeletedWithForks, core.InvalidIndex, core.IndexExpired),
            *(core.IndexBeyondTail, core.NoEventStream, core.TooManyReaders),
        ),
        takes=("offset", "live", "cursor", "known"),
    ),
    _operation(
        "HEAD",
        "describe_durable",
        "Tell of a stream without using it.",
        "read",
        {200: Answer(about="It is there.", headers=(*_TOLD, "Cache-Control"))},
        errors=(core.NotThere, core.DeletedWithForks),
    ),
    _operation(
        "DELETE",
        "delete_durable",
        "Delete a stream; where forks need it, its name stays taken.",
        "manage",
        {204: Answer(about="It is gone.", headers=_SAFE)},
        errors=(core.NotThere, core.DeletedWithForks),
    ),
)
