"""The server over HTTP."""

import asyncio
import contextvars
import email.utils
import inspect
import json
import logging
import math
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import aclosing, contextmanager
from dataclasses import fields, replace
from datetime import UTC
from typing import Any, TypeVar
from urllib.parse import quote

import httpx

from ..._version import __version__
from ...core.errors import NoEventStream, RunstreamsError
from ...core.leasing import Claim
from ...core.limits import LIST_MAX
from ...core.model import (
    TAIL,
    Closed,
    RunInfo,
    RunPage,
    RunStatus,
    Span,
    Status,
    StreamId,
    StreamInfo,
    StreamPage,
)
from ...core.tracing import asking
from ..errors import Unexpected, Unreachable, error_of, told_of
from ..records import (
    Chunk,
    ChunkPage,
    Receipt,
    RunItem,
    RunItems,
    Sharing,
    SignOfLife,
    TakenOver,
)
from ..settings import Timeouts, Token, without_secrets
from .environment import open_client, way_to
from .events import Event, EventDecoder
from .exchange import exchange, put_away

T = TypeVar("T")
R = TypeVar("R", Closed, RunInfo, StreamInfo)

_IDLE_SECONDS = 30
"""How long an idle connection is kept: less than servers and load balancers keep theirs."""


_YEAR_SECONDS = 31_536_000
"""No server means more, whatever it says."""

LINGER_SECONDS_MAX = 10
"""A server that would have chunks gathered for longer is not believed."""

_REMEDY = (
    "it is tried again. `runstreams serve` starts one on this machine; RUNSTREAMS_URL says where "
    "it is"
)
"""What to do when there is no server."""

logger = logging.getLogger("runstreams.connection")

_MOMENT_SECONDS = 0.05
"""Least time that an event stream is read for."""


class _BrokenOff(Exception):
    """An event stream has ended before its end."""


class HttpTransport:
    """Speaks docs/protocol.md to one server."""

    def __init__(self, base_url: str, token: Token, timeouts: Timeouts) -> None:
        """Speak to the server at *base_url*. Raises `InvalidSetting`."""
        self._give_token = token
        self._token: str | None = token if isinstance(token, str) else None
        self._timeouts = timeouts
        self._url = without_secrets(base_url)
        self._is_told = False
        self._http = open_client(
            base_url,
            headers={"user-agent": f"runstreams-python/{__version__}"},
            timeout=httpx.Timeout(timeouts.request, connect=timeouts.connect),
            limits=httpx.Limits(
                max_connections=None, max_keepalive_connections=100, keepalive_expiry=_IDLE_SECONDS
            ),
        )
        way = way_to(self._http.base_url)
        self._through = f", through the proxy of {way.variable}," if way else ""

    # Writing

    async def append(
        self,
        stream: StreamId,
        client: str,
        number: int,
        body: bytes,
        lease: int | None = None,
        fence: int | None = None,
        supersedes: int | None = None,
    ) -> Receipt:
        headers = {
            "content-type": "application/x-ndjson",
            "x-client-id": client,
            "x-resume-from-chunk": str(number),
            **_fencing(fence),
        }
        if supersedes is not None:
            headers["x-stream-supersedes"] = str(supersedes)
        if lease is not None:
            headers["x-lease-seconds"] = str(lease)
        answer = await self._answer("POST", _stream(stream, "self"), content=body, headers=headers)
        said = _said(answer)
        last, tail, stop = (_get(said, name) for name in ("last_index", "tail", "stop"))
        until, fence = said.get("leased_until"), said.get("fence") or 0
        return Receipt(last, tail, bool(stop), until, _linger(answer), fence)

    async def take_over(self, stream: StreamId, client: str, lease: int) -> TakenOver:
        path, headers = _stream(stream, "self") + "/take-over", {"x-client-id": client}
        if lease:
            headers["x-lease-seconds"] = str(lease)
        said = await self._ask("POST", path, headers=headers)
        return TakenOver(_get(said, "fence"), _get(said, "tail"))

    async def close(
        self, stream: StreamId, status: Status, error: str | None, fence: int | None = None
    ) -> Closed:
        path, ending = _stream(stream, "self") + "/close", {"status": status, "error": error}
        said = await self._ask("POST", path, json=ending, headers=_fencing(fence))
        return _known(Closed, _get(said, "closed"))

    async def stop(self, stream: StreamId) -> None:
        await self._ask("POST", _stream(stream, "self") + "/stop")

    # Reading

    async def page(
        self,
        stream: StreamId,
        start: int | None,
        wait: float,
        limit: int,
        sharing: Sharing | None = None,
    ) -> ChunkPage:
        if sharing is not None:
            path, asked = _shared(stream), {"generation": sharing.generation, "start": start}
            asked["cursor"] = sharing.cursor
        else:
            path, asked = _stream(stream), {"wait": f"{wait:.3f}", "limit": limit, "start": start}
        query = {name: str(value) for name, value in asked.items() if value is not None}
        return _page(await self._ask("GET", path, params=query, wait=wait))

    async def tail(self, stream: StreamId) -> int:
        query = {"wait": "0", "start": TAIL, "limit": "1"}
        return int(_get(await self._ask("GET", _stream(stream), params=query), "next_index"))

    async def follow(
        self, stream: StreamId, start: int, silence: float
    ) -> AsyncGenerator[ChunkPage | SignOfLife, None]:
        headers = {"last-event-id": str(start - 1)} if start else {}
        events = self._events("GET", _stream(stream), silence, headers)
        async with aclosing(events):
            async for event in events:
                if event.data == "[DONE]":
                    return
                yield _events_page(event)

    async def page_run(
        self, run: str, wanted: Mapping[str, int | None], wait: float, limit: int
    ) -> RunItems:
        query = {"wait": f"{wait:.3f}", "limit": str(limit)}
        asked = {"all": True, "streams": wanted}
        said = await self._ask("POST", _follow(run), params=query, json=asked, wait=wait)
        items = [_item(one) for one in _get(said, "streams")]
        return RunItems(items, bool(_get(said, "over")), said.get("leased_until"))

    async def follow_run(
        self, run: str, wanted: Mapping[str, int | None], silence: float
    ) -> AsyncGenerator[RunItems, None]:
        asked = {"all": True, "streams": wanted}
        events = self._events("POST", _follow(run), silence, json=asked)
        async with aclosing(events):
            async for event in events:
                if event.name == "end":
                    yield RunItems([], over=not _event(event).get("silent"))
                    return
                yield _run_items(event)

    async def _events(
        self,
        method: str,
        path: str,
        silence: float,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> AsyncGenerator[Event, None]:
        """Yield the events of a stream of them, until whoever asks takes one for the end, or for so
        many seconds of *silence*. Raises `Unreachable` where they break off.
        """
        fields = {
            "accept": "text/event-stream",
            "accept-encoding": "identity",
            "timeout-seconds": str(max(1, math.ceil(silence))),
            **(headers or {}),
        }
        timeouts = self._timeouts
        read = max(_MOMENT_SECONDS, min(timeouts.stall, silence))
        timeout = httpx.Timeout(timeouts.request, connect=timeouts.connect, read=read)
        request = self._http.build_request(method, path, headers=fields, timeout=timeout, **more)
        try:
            with self._connecting():
                answer = await self._send(request, stream=True)
                try:
                    await _check_event_stream(answer)
                    async for event in _decoded(answer):
                        yield event
                finally:
                    await put_away(answer)
        except Unreachable as error:
            # Shorter than the server's signs of life, silence is waited for here.
            if not (isinstance(error.__cause__, httpx.ReadTimeout) and silence < timeouts.stall):
                raise

    # Managing

    async def describe(self, stream: StreamId) -> StreamInfo:
        return _info(await self._ask("GET", _managed(stream)))

    async def delete(self, stream: StreamId) -> bool:
        return bool(_get(await self._ask("DELETE", _managed(stream)), "deleted"))

    async def streams(self, run: str, after: str | None) -> StreamPage:
        query = {"limit": str(LIST_MAX)} | ({"after": after} if after else {})
        said = await self._ask("GET", f"/api/v1/runs/{_name(run)}/streams", params=query)
        return StreamPage([_info(one) for one in _get(said, "streams")], _get(said, "next"))

    async def runs(self, limit: int, after: str | None, status: RunStatus | None = None) -> RunPage:
        query = {"limit": str(min(limit, LIST_MAX))} | ({"after": after} if after else {})
        query |= {"status": status} if status else {}
        said = await self._ask("GET", "/api/v1/runs", params=query)
        return RunPage([_known(RunInfo, one) for one in _get(said, "runs")], _get(said, "next"))

    async def describe_run(self, run: str) -> RunInfo:
        return _known(RunInfo, await self._ask("GET", f"/api/v1/runs/{_name(run)}"))

    async def register(
        self, run: str, parent: str | None, root: str | None, claim: Claim | None = None
    ) -> RunInfo:
        path, above = f"/api/v1/runs/{_name(run)}", {"parent": parent, "root": root}
        headers = _promising(claim) if claim else {}
        return _known(RunInfo, await self._ask("PUT", path, json=above, headers=headers))

    async def complete(self, run: str, status: Status, error: str | None) -> RunInfo:
        ended = {"status": status, "error": error}
        path = f"/api/v1/runs/{_name(run)}/complete"
        return _known(RunInfo, await self._ask("POST", path, json=ended))

    async def delete_run(self, run: str) -> int:
        return int(_get(await self._ask("DELETE", f"/api/v1/runs/{_name(run)}"), "streams"))

    async def aclose(self) -> None:
        await self._http.aclose()

    # One request

    async def _ask(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        """Return the JSON of what `_answer` returns."""
        return _said(await self._answer(method, path, **more))

    async def _answer(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        wait: float = 0,
        **more: Any,
    ) -> httpx.Response:
        """Return an answer, which may take *wait* seconds longer than usual."""
        timeouts = self._timeouts
        timeout = httpx.Timeout(timeouts.request + wait, connect=timeouts.connect)
        fields = {"accept": "application/json", **(headers or {})}
        request = self._http.build_request(method, path, headers=fields, timeout=timeout, **more)
        with self._connecting():
            return await self._send(request)

    @contextmanager
    def _connecting(self) -> Iterator[None]:
        """Raise `Unreachable` for everything that can happen to a connection."""
        try:
            yield
        except (httpx.RequestError, httpx.StreamError) as error:
            reason = str(error) or type(error).__name__
            unreachable = Unreachable(
                f"the server at {self._url}{self._through} cannot be reached: {reason}"
            )
            if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
                self._tell(unreachable)
            raise unreachable from error
        except _BrokenOff as error:
            raise Unreachable(f"an event stream of {self._url} broke off{error}") from error

    def _tell(self, unreachable: Unreachable) -> None:
        """Say once what would be waited for in silence."""
        if not self._is_told:
            self._is_told = True
            logger.warning("%s: %s", unreachable, _REMEDY)

    async def _send(self, request: httpx.Request, stream: bool = False) -> httpx.Response:
        """Send *request*, once more with a fresh token if there is one and the first is refused."""
        known = self._token
        await self._authorize(request)
        answer = await exchange(self._http, request, stream=stream)
        if answer.status_code == 401 and known is not None and callable(self._give_token):
            await answer.aclose()
            if self._token == known:
                self._token = None
            await self._authorize(request)
            answer = await exchange(self._http, request, stream=stream)
        return answer

    async def _authorize(self, request: httpx.Request) -> None:
        if self._token is None:
            self._token = await self._fresh_token()
        request.headers["authorization"] = f"Bearer {self._token}"
        if trace := asking.get():
            request.headers["traceparent"] = trace

    async def _fresh_token(self) -> str:
        assert callable(self._give_token)
        try:
            given = await _aside(self._give_token)
            return str(await given if inspect.isawaitable(given) else given)
        except (OSError, httpx.RequestError) as error:
            # Whoever gives it is asked over a network, too.
            raise Unreachable(
                f"no token can be had: {str(error) or type(error).__name__}"
            ) from error


async def _aside(ask: Callable[[], T]) -> T:
    """Return what *ask* returns. It may ask somebody over the network, and must not hold up
    everything else meanwhile.
    """
    calling = contextvars.copy_context().run
    try:
        asked = asyncio.get_running_loop().run_in_executor(None, calling, ask)
    except RuntimeError:
        # The program ends, and begins no threads any more. Nobody but us is left to be held up.
        return ask()
    return await asked


def _said(answer: httpx.Response) -> dict[str, Any]:
    if not answer.is_success:
        raise _refusal(answer, answer.content)
    try:
        said = answer.json()
        if isinstance(said, dict):
            return said
    except ValueError:
        pass
    raise Unexpected(
        f"not an answer of this protocol, from {without_secrets(str(answer.url))}: "
        f"{answer.text[:200]!r}",
        http_status=502,
    )


def _get(said: dict[str, Any], name: str) -> Any:
    try:
        return said[name]
    except KeyError:
        raise Unexpected(f"the answer has no {name!r}", http_status=502) from None


def _refusal(answer: httpx.Response, body: bytes) -> RunstreamsError:
    """Return the error that an answer tells of. Nobody is followed elsewhere with a key."""
    if answer.has_redirect_location:
        status, target = answer.status_code, answer.headers["location"]
        reason = f"the server answered {status} and leads to {target}: is its address another one?"
        return Unexpected(reason, http_status=status, location=target)
    return error_of(answer.status_code, body, _retry_after(answer))


def _linger(answer: httpx.Response) -> float | None:
    """Return for how many seconds the server would have chunks gathered."""
    text = answer.headers.get("x-stream-linger-ms", "")
    return min(int(text[:9]) / 1000, LINGER_SECONDS_MAX) if text.isdecimal() else None


def _retry_after(answer: httpx.Response) -> float | None:
    text = answer.headers.get("retry-after", "").strip()
    try:
        if text.isdigit():
            seconds = float(int(text[:20]))  # as many digits as matter
        else:
            date = email.utils.parsedate_to_datetime(text)
            seconds = date.replace(tzinfo=date.tzinfo or UTC).timestamp() - time.time()
    except (ValueError, OverflowError):
        return None
    return min(seconds, _YEAR_SECONDS)


async def _decoded(answer: httpx.Response) -> AsyncGenerator[Event, None]:
    """Yield the events of an answer, and for each piece of it one that says nothing. Raises
    `_BrokenOff` at its end, and where it tells of one.
    """
    decoder = EventDecoder()
    async for piece in answer.aiter_raw():
        yield Event("", "")  # also comments show that somebody lives, and that time goes by
        for event in decoder.feed(piece):
            if event.name == "error":
                raise _BrokenOff(f": {event.data}")
            yield event
    raise _BrokenOff


async def _check_event_stream(answer: httpx.Response) -> None:
    if not answer.is_success:
        raise _refusal(answer, await answer.aread())
    if not answer.headers.get("content-type", "").startswith("text/event-stream"):
        raise NoEventStream("the answer is no event stream", url=None)


def _events_page(event: Event) -> ChunkPage | SignOfLife:
    """Return the chunks of an event, or that it only shows that the server lives."""
    try:
        said = json.loads(event.data)
        if event.name != "batch":
            return SignOfLife(said.get("leased_until"))
        chunks = [_record(record) for record in said["records"]]
        tail, spans = said["tail"]["seq_num"], _spans(said)
        return ChunkPage(chunks, chunks[-1].index + 1, tail, superseded=spans)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        if event.name != "batch":
            return SignOfLife()
        raise Unexpected("an event is not of this protocol", http_status=502) from error


def _event(event: Event) -> dict[str, Any]:
    """Return what an event says. Raises `Unexpected`."""
    try:
        said = json.loads(event.data)
        if isinstance(said, dict):
            return said
    except ValueError:
        pass
    raise Unexpected("an event is not of this protocol", http_status=502)


def _run_items(event: Event) -> RunItems:
    """Return what an event tells of several streams; nothing when it only shows that the server
    lives.
    """
    if event.name not in ("stream", "ping"):
        return RunItems([])
    said = _event(event)
    items = [_item(said)] if event.name == "stream" else []
    return RunItems(items, leased_until=said.get("leased_until"))


def _item(said: dict[str, Any]) -> RunItem:
    error = said.get("error")
    return RunItem(_get(said, "key"), told_of(said) if error else _page(said))


def _record(record: dict[str, Any]) -> Chunk[object]:
    body = json.loads(record["body"])
    return Chunk(record["seq_num"], body["data"], body["id"], record["timestamp"])


def _page(said: dict[str, Any]) -> ChunkPage:
    try:
        chunks: list[Chunk[object]] = [
            Chunk(chunk["index"], chunk["data"], chunk["id"], chunk["timestamp"])
            for chunk in said["chunks"]
        ]
        closed = _known(Closed, said["closed"]) if said["closed"] else None
        end: int = said["next_index"]
        # Of what many share it is only said that there is more.
        tail = said.get("tail", end + 1)
        more = bool(said.get("shared")), said.get("cursor"), said.get("generation")
        return ChunkPage(chunks, end, tail, closed, said.get("leased_until"), _spans(said), *more)
    except (KeyError, TypeError) as error:
        raise Unexpected("a page is not of this protocol", http_status=502) from error


def _info(said: Any) -> StreamInfo:
    info = _known(StreamInfo, said)
    closed = _known(Closed, info.closed) if info.closed else None
    return replace(info, closed=closed, superseded=_spans(said))


def _spans(said: dict[str, Any]) -> tuple[Span, ...]:
    """Return which chunks are said to count no longer; none, where nothing is."""
    return tuple(Span(*span) for span in said.get("superseded", ()))


def _known(kind: type[R], said: Any) -> R:
    """Return *said* as a *kind*, without what a newer server may tell beside it; what an older one
    does not tell is as *kind* has it. Raises `Unexpected`.
    """
    try:
        return kind(**{each.name: said[each.name] for each in fields(kind) if each.name in said})
    except (KeyError, TypeError) as error:
        raise Unexpected(f"the answer is no {kind.__name__}", http_status=502) from error


def _fencing(fence: int | None) -> dict[str, str]:
    return {} if fence is None else {"x-stream-fence": str(fence)}


def _promising(claim: Claim) -> dict[str, str]:
    return {"x-client-id": claim.holder, "x-lease-seconds": str(claim.ms // 1000)}


def _stream(stream: StreamId, target: str | None = None) -> str:
    parts = [stream.run, *([target] if target else []), stream.key]
    return "/realtime/v1/streams/" + "/".join(map(_name, parts))


def _shared(stream: StreamId) -> str:
    return f"/realtime/v1/pages/{_name(stream.run)}/{_name(stream.key)}"


def _follow(run: str) -> str:
    return f"/realtime/v1/runs/{_name(run)}/follow"


def _managed(stream: StreamId) -> str:
    return f"/api/v1/runs/{_name(stream.run)}/streams/{_name(stream.key)}"


def _name(name: str) -> str:
    return quote(name, safe="")
