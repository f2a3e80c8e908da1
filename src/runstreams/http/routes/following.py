"""All streams of a run, or several, over one connection: an event stream or a long poll."""

import json
from typing import Any, NamedTuple

from ...core.access import Grant, of_run, of_stream
from ...core.errors import InvalidIndex, InvalidRequest, NoEventStream
from ...core.joint import Index
from ...core.limits import FOLLOW_BODY_BYTES, FOLLOWED_NAMES, FOLLOWED_STREAMS
from ...core.model import StreamId
from ...core.names import check_key, check_run
from .. import trigger
from ..call import Call, require
from ..fields import MOST
from ..live.event_stream import send_items
from ..live.presence import Presence
from ..live.rendering import as_answer
from ..origin import is_behind_cache
from .parameters import NO_STORE, asked_page, check_event_stream, longest_wait, wants_events


class _Asked(NamedTuple):
    """Which streams of a run are asked for."""

    run: str
    wanted: dict[str, Index]
    everything: bool


async def follow(call: Call) -> None:
    """Send chunks of several streams, each under its key."""
    grant = call.grant()
    call.check_length(FOLLOW_BODY_BYTES)
    if wants_events(call):
        silence = trigger.silence(call.headers)
        asked = await _asked(call, grant)
        check_event_stream(call)
        with call.reading(grant):
            await _send_all(call, asked, silence)
    else:
        await _poll(call, grant)


async def _send_all(call: Call, asked: _Asked, silence: float) -> None:
    joint = call.service.log.follow_run(
        asked.run,
        asked.wanted,
        everything=asked.everything,
        silence=silence,
        seconds=call.time_left(),
    )
    await send_items(call, joint)


async def _poll(call: Call, grant: Grant) -> None:
    page = asked_page(call)
    asked = await _asked(call, grant)
    with call.reading(grant):
        gathered = await call.service.log.read_run(
            asked.run,
            asked.wanted,
            everything=asked.everything,
            most=page.limit,
            seconds=longest_wait(call, page.wait),
            presence=Presence(call),
        )
    await call.answer(200, as_answer(gathered), [NO_STORE])


async def _asked(call: Call, grant: Grant) -> _Asked:
    """Return what the request asks for. Raises `InvalidRequest`, `InvalidName`, `InvalidIndex`,
    `NoEventStream`, `Unauthorized`.
    """
    run = check_run(call.part("run"))
    said = _object(await call.body(FOLLOW_BODY_BYTES))
    wanted = {check_key(key): _index(key, index) for key, index in said.get("streams", {}).items()}
    asked = _Asked(run, wanted, said.get("all", False))
    _check_number(asked)
    if asked.everything:
        require(grant, ("read",), *of_run(run))
    elif is_behind_cache(call.headers):
        raise NoEventStream("Many share pages here; read streams one by one", url=None)
    for key in wanted:
        require(grant, ("read",), *of_stream(StreamId(run, key)))
    return asked


def _object(body: bytes) -> dict[str, Any]:
    """Return the body's fields, of the right kinds."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict) or not said.keys() <= {"streams", "all"}:
        raise InvalidRequest("the body must be a JSON object with streams, all, or both")
    if not isinstance(said.get("streams", {}), dict):
        raise InvalidRequest("streams must be an object of keys and indexes")
    if not isinstance(said.get("all", False), bool):
        raise InvalidRequest("all must be true or false")
    return said


def _index(key: str, index: object) -> Index:
    if index is None:
        return None
    if isinstance(index, int) and not isinstance(index, bool) and 0 <= index <= MOST:
        return index
    raise InvalidIndex(f"the index of {key!r} must be a whole number from 0 to {MOST}, or null")


def _check_number(asked: _Asked) -> None:
    count = sum(index is not None for index in asked.wanted.values())
    if not count and not asked.everything:
        raise InvalidRequest("at least one stream must be asked for, or all")
    if count > FOLLOWED_STREAMS:
        raise InvalidRequest(f"at most {FOLLOWED_STREAMS} streams can be read at a time")
    if len(asked.wanted) > FOLLOWED_NAMES:
        raise InvalidRequest(f"at most {FOLLOWED_NAMES} streams can be named")
