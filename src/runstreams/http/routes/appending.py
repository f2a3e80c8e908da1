"""Routes that write: register a stream, take chunks in, say how far a client has come."""

import hashlib
import json
from base64 import urlsafe_b64encode
from typing import cast, get_args

from starlette.routing import Route, Router

from ...core.access import Grant, of_stream
from ...core.errors import BodyTooLarge, InvalidChunk, RunCompleted, TargetMissing
from ...core.json_lines import check_chunk, encode_text, utf8
from ...core.model import Appended, Batch, StreamId
from ...core.names import check_client, check_key, check_run
from ...core.runs import Target
from .. import trigger
from ..call import Call, Endpoint, require
from ..errors import Headers, InvalidParams
from ..fencing import fence_of, supersedes_of
from ..leasing import claim_of
from . import closing
from .ingest import Pledge, ingest

_TARGETS = get_args(Target)

router = Router()


async def create(call: Call) -> None:
    """Register a stream, and tell the writer which flavour to speak: JSON lines, to us."""
    stream = await _target(call, call.grant())
    with trigger.saying(trigger.CANNOT_CREATE, RunCompleted):
        await call.service.log.create(stream)
    await call.answer(202, trigger.VERSION)


async def write(call: Call) -> None:
    """Take in JSON lines; or close, stop or take over a stream, where the last part of the path
    says so.
    """
    grant = call.grant()
    if call.part("target") not in _TARGETS and call.part("key") in closing.VERBS:
        stream = StreamId(check_run(call.part("run")), check_key(call.part("target")))
        await closing.VERBS[call.part("key")](call, grant, stream)
        return
    if call.host.body_bytes is not None:
        call.check_length(call.host.body_bytes)
    client = call.header(b"x-client-id")
    number = trigger.resume_from(call.headers)
    if client is not None:
        check_client(client)
    pledge = Pledge(claim_of(call), fence_of(call), supersedes_of(call))
    stream = await _target(call, grant)
    with trigger.saying(trigger.CANNOT_APPEND, RunCompleted):
        receipt = await ingest(call, stream, client, number if client is not None else 0, pledge)
    json_wanted = b"application/json" in call.headers.get(b"accept", b"").lower()
    headers = _receipt_headers(receipt) + _advice(call)
    await call.answer(200, _receipt_json(receipt) if json_wanted else b"", headers)


async def last_chunk(call: Call) -> None:
    """Say how far a client has come, by its own count."""
    grant = call.grant()
    client = call.header(b"x-client-id")
    if client is not None:
        check_client(client)
    stream = await _target(call, grant)
    last = -1 if client is None else await call.service.log.last_number(stream, client)
    if trigger.is_published_writer(call.headers):
        last = trigger.resume_after(last)
    await call.answer(200, headers=[(b"x-last-chunk-index", b"%d" % last)])


async def append(call: Call) -> None:
    """Append the body, whatever it is, as one chunk: a JSON string."""
    grant = call.grant()
    if not call.headers.get(b"content-length", b"").isdigit():
        raise BodyTooLarge(
            f"{trigger.TOO_LARGE}: it needs a Content-Length", limit=trigger.APPEND_BODY_BYTES
        )
    call.check_length(trigger.APPEND_BODY_BYTES)
    stream = await _target(call, grant)
    await _append_text(
        call, stream, await call.body(trigger.APPEND_BODY_BYTES), trigger.CANNOT_APPEND
    )


async def send(call: Call) -> None:
    """Send something into a run: append the body's `data`, as JSON in a string, to an input stream
    of it. That is how the published clients read it.
    """
    grant = call.grant()
    call.check_length(trigger.INPUT_BODY_BYTES)
    stream = call.stream(trigger.INPUT)
    require(grant, ("write",), ("inputStreams", stream.run), *of_stream(stream))
    await _append_text(
        call, stream, _data(await call.body(trigger.INPUT_BODY_BYTES)), trigger.CANNOT_SEND
    )


async def _append_text(call: Call, stream: StreamId, text: bytes, completed: str) -> None:
    """Append *text* as one chunk, once however often it is sent; *completed* is what is said when
    the run is.
    """
    log = call.service.log
    batch = Batch(encode_text(text) + b"\n", 1, log.clock(), once=_once(call))
    with trigger.saying(completed, RunCompleted):
        done = await log.append(stream, batch)
    said = {"ok": True, "index": done.last, "tail": done.tail, "stop": done.stop}
    await call.answer(200, json.dumps(said, separators=(",", ":")).encode(), _advice(call))


def _data(body: bytes) -> bytes:
    """Return the `data` of a body as one line of JSON. Raises `InvalidChunk`, `ChunkTooLarge`."""
    try:
        data = json.loads(body)["data"]
        line = utf8(json.dumps(data, ensure_ascii=False, separators=(",", ":")))
    except (ValueError, TypeError, LookupError, RecursionError):
        raise InvalidChunk(trigger.INVALID_BODY) from None
    return check_chunk(line)


async def close(call: Call) -> None:
    """Close or take over a stream, or ask its producer to stop; on the path that names a target."""
    grant = call.grant()
    verb = closing.VERBS[call.scope["path"].rpartition("/")[2]]
    await verb(call, grant, await _resolve(call))


async def _target(call: Call, grant: Grant) -> StreamId:
    """Return the stream to write to. Raises `InvalidParams`, `InvalidName`, `TargetMissing`,
    `Unauthorized`.
    """
    stream = await _resolve(call)
    require(grant, ("write",), *of_stream(stream))
    return stream


async def _resolve(call: Call) -> StreamId:
    stream, target = call.stream(), call.part("target")
    if target not in _TARGETS:
        raise InvalidParams(f"the target must be one of {', '.join(_TARGETS)}", target=target)
    if target == "self":
        return stream
    with trigger.saying(trigger.NO_TARGET, TargetMissing):
        run = await call.service.log.runs.resolve(stream.run, cast(Target, target))
    return StreamId(run, stream.key)


def _once(call: Call) -> str | None:
    """Return a short hash of what makes a one-chunk append recognisable when it is sent again."""
    name = trigger.part_id(call.headers)
    return urlsafe_b64encode(hashlib.sha256(name).digest()[:12]).decode() if name else None


def _advice(call: Call) -> Headers:
    """Say for how long this writer had best gather chunks before its next append."""
    linger = call.host.linger_ms
    return [] if linger is None else [(b"x-stream-linger-ms", b"%d" % linger)]


def _receipt_headers(receipt: Appended) -> Headers:
    headers: Headers = [
        (b"x-stream-tail", b"%d" % receipt.tail),
        (b"x-stream-stop", b"true" if receipt.stop else b"false"),
    ]
    if receipt.last is not None:
        headers.append((b"x-last-index", b"%d" % receipt.last))
    if receipt.leased_until is not None:
        headers.append((b"x-stream-leased-until", b"%d" % receipt.leased_until))
    if receipt.fence:
        headers.append((b"x-stream-fence", b"%d" % receipt.fence))
    return headers


def _receipt_json(receipt: Appended) -> bytes:
    said = {
        "first_index": receipt.first,
        "last_index": receipt.last,
        "tail": receipt.tail,
        "stop": receipt.stop,
        "duplicate": receipt.duplicate,
        "leased_until": receipt.leased_until,
        "fence": receipt.fence or None,
    }
    return json.dumps(said, separators=(",", ":")).encode()


STREAM = "/realtime/v1/streams/{run}/{target}/{key}"

router.routes.extend(
    [
        Route(
            STREAM,
            Endpoint(
                {"POST": write, "PUT": create, "HEAD": last_chunk},
                trigger.ONLY_HEAD,
            ),
            name="write",
        ),
        Route(
            "/realtime/v1/streams/{run}/input/{key}",
            Endpoint({"POST": send}),
            methods=["POST"],
            name="send",
        ),
        Route(STREAM + "/append", Endpoint({"POST": append}), name="append"),
        Route(STREAM + "/close", Endpoint({"POST": close}), name="close"),
        Route(STREAM + "/stop", Endpoint({"POST": close}), name="stop"),
        Route(STREAM + "/take-over", Endpoint({"POST": close}), name="take_over"),
    ]
)
