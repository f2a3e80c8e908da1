"""One client's settings and engine: all that its sync and its async surface have in common."""

import asyncio
import os
import time
import weakref
from collections.abc import Callable, Coroutine, Iterable, Mapping
from functools import partial
from secrets import token_hex
from typing import Any, NamedTuple, get_args

from ..core.errors import RunCompleted
from ..core.model import TAIL, RunInfo, Start, Status, StreamId, StreamInfo
from ..core.names import check_key, check_run
from ..core.public import public
from .engine.calls import PatientCalls
from .engine.engine import Engine
from .engine.waiting import check_thread
from .engine.writers import new_client
from .errors import InvalidSetting
from .explaining import Doing
from .leases import UNLEASED, Silence, check_lease, lease_of
from .lineage import Lineage, begun, resolve
from .reading.run_session import RunSession
from .reading.session import ReadSession
from .reading.superseding import Superseded
from .retrying import Retries
from .run_leases import RunLeases
from .runs import ActiveRun, active_run, current_run
from .settings import Timeouts, Token, base_url_of, token_of, without_secrets
from .tokens import scopes_of, seconds_of, sign
from .transport import Transport
from .values import Encode
from .writing.buffer import Batching
from .writing.flushing import cut, flush_engines
from .writing.producer import Producer

DEFAULT_KEY = "default"

ENTERED: "weakref.WeakKeyDictionary[ActiveRun, Connection]" = weakref.WeakKeyDictionary()
"""The runs of this process that go on, and the connections by which they were entered."""


class Succession(NamedTuple):
    """As whom somebody writes who has taken a stream over."""

    client: str
    fence: int


class Connection:
    """What a client was told, and its engine."""

    def __init__(
        self,
        base_url: str | None = None,
        token: Token | None = None,
        *,
        timeouts: Timeouts | None = None,
        retries: Retries | None = None,
        batching: Batching | None = None,
        lease: int | None = None,
        transport: Callable[[], Transport] | None = None,
    ) -> None:
        """Connect over HTTP, or by what *transport* makes. Raises `InvalidSetting`."""
        self.lease = lease_of(lease, os.environ)
        self.timeouts = timeouts or Timeouts()
        self.batching = batching or Batching()
        self.place = "a transport of its own"
        """Where it leads to."""
        self._token = token if transport else token_of(token, os.environ)
        if transport is None:
            # Not before it is needed: it takes a fifth of a second.
            from .transports.http import HttpTransport

            url = base_url_of(base_url, os.environ)
            shown = token_of(token, os.environ)
            transport = partial(HttpTransport, url, shown, self.timeouts)
            self.place = without_secrets(url)
        self.engine = Engine(transport, retries or Retries(), self.timeouts.flush)
        self.calls = PatientCalls(self.engine)

    def target(self, key: str | None, target: str | None) -> StreamId:
        """Return the stream *key* of the run that *target* means here. Raises `NoRun`,
        `InvalidName`.
        """
        return StreamId(resolve(target, current_run()), check_key(_key(key)))

    def producer(
        self,
        key: str | None,
        target: str | None,
        close: bool | None,
        lease: int | None,
        encode: Encode,
        succession: Succession | None = None,
    ) -> Producer:
        """Begin to write to a stream, values as *encode* makes them, or to go on with one by
        *succession*. Raises `NoRun`, `InvalidName`, `InvalidSetting`.
        """
        stream, seconds = self.target(key, target), self._seconds(lease)
        heir = self._leases(stream) if seconds else None
        how = self.batching, close, encode, seconds, heir
        client, fence = succession or (new_client(), None)
        producer = Producer(self.engine, stream, client, *how, fence)
        if run := active_run():
            run.adopt(producer)
        return producer

    def take_over(
        self, stream: StreamId, lease: int | None
    ) -> Coroutine[Any, Any, tuple[Succession, int]]:
        """Keep out who has written to *stream* until now, for the engine to do; it returns as whom
        the stream is gone on with, and at which index. Raises `InvalidSetting`.
        """
        return self._take_over(stream, self._seconds(lease))

    async def _take_over(self, stream: StreamId, seconds: int) -> tuple[Succession, int]:
        client = new_client()
        fence, tail = await self.calls.take_over(stream, client, seconds)
        return Succession(client, fence), tail

    def append(self, stream: StreamId, line: bytes) -> Coroutine[Any, Any, int]:
        """Append one chunk, for the engine to do; a stream of the run we are in is the run's to
        keep.
        """
        return self.calls.append(stream, line, self._leases(stream))

    def _seconds(self, lease: int | None) -> int:
        """Return what is promised where *lease* is given: else by the run we are in, or by this
        client. Raises `InvalidSetting`.
        """
        if lease is not None:
            return check_lease(lease)
        run = active_run()
        return self.lease if run is None else run.leases.seconds

    def _leases(self, stream: StreamId) -> RunLeases | None:
        """Return what holds the lease of *stream* until the end of the run we are in, if it is one
        of its streams.
        """
        run = active_run()
        return run.leases if run and run.leases.keeps(stream, self.engine) else None

    def session(
        self,
        run: str,
        key: str | None,
        start: Start,
        timeout: Silence,
        strict: bool,
        superseded: Superseded = "skip",
    ) -> ReadSession:
        """Return what follows a stream, not begun yet. Raises `InvalidName`, `InvalidSetting`."""
        _check_timeout(timeout)
        _check_superseded(superseded)
        if start != TAIL and not isinstance(start, int):
            raise InvalidSetting(f"start_index must be a whole number or 'tail', not {start!r}")
        how = timeout, strict, superseded
        return ReadSession(self.engine, self.stream(run, key), start, *how)

    def run_session(
        self,
        run: str,
        start: Mapping[str, int | None],
        timeout: Silence,
        strict: bool,
        superseded: Superseded = "skip",
    ) -> RunSession:
        """Return what follows all streams of a run, not begun yet. Raises `InvalidName`,
        `InvalidSetting`.
        """
        _check_timeout(timeout)
        _check_superseded(superseded)
        for key, index in start.items():
            check_key(key)
            if index is not None and (not isinstance(index, int) or index < 0):
                raise InvalidSetting(f"{key} must start at an index from 0 on, not {index!r}")
        return RunSession(self.engine, check_run(run), start, timeout, strict, superseded)

    def stream(self, run: str, key: str | None) -> StreamId:
        """Return the stream *key* of *run*. Raises `InvalidName`."""
        return StreamId(check_run(run), check_key(_key(key)))

    async def list(self, run: str) -> list[StreamInfo]:
        """Return the streams of a run, by key. Raises `InvalidName`."""
        return await self.calls.streams(check_run(run))

    async def describe_run(self, run: str) -> RunInfo:
        """Return the state of a run. Raises `InvalidName`, `NotThere`."""
        return await self.calls.describe_run(check_run(run))

    def begin_run(
        self, id: str | None, parent: str | None, root: str | None, lease: int | None = None
    ) -> ActiveRun:
        """Return a run that begins here, with a fresh id unless one is given. Raises
        `InvalidName`, `InvalidSetting`.
        """
        for name in (id, parent, root):
            if name is not None:
                check_run(name)
        lineage = begun(id or f"run_{token_hex(12)}", parent, root, current_run())
        seconds, around = self._seconds(lease), active_run()
        if around is not None and around.id == lineage.id:
            return ActiveRun(lineage, around.leases, is_joined=True)
        return ActiveRun(lineage, RunLeases(self.engine, lineage.id, seconds), is_joined=False)

    async def complete(self, run: str, status: Status, error: str | None) -> RunInfo:
        """Complete a run. Raises `InvalidName`."""
        return await self.calls.complete(check_run(run), status, error)

    async def delete_run(self, run: str) -> int:
        """Delete a run with its streams. Raises `InvalidName`."""
        return await self.calls.delete_run(check_run(run))

    async def register(self, run: ActiveRun) -> None:
        """Tell the server of *run*, and learn from it what is above it. Raises `RunCompleted`."""
        known = await self.calls.register(*run.lineage, run.leases.claim)
        if known.completed is not None:
            error = RunCompleted("the run is completed and cannot be entered again", run=run.id)
            raise Doing("manage", run.id).told(error)
        run.lineage = Lineage(run.id, known.parent, known.root)

    def enter(self, run: ActiveRun) -> None:
        """Let *run*, which is registered, go on, and promise for it, until `leave`."""
        ENTERED[run] = self
        run.begin()

    def leave(self, run: ActiveRun) -> None:
        """Promise no more for *run*: it has ended."""
        ENTERED.pop(run, None)
        run.end()

    def public_token(self, granted: dict[str, Iterable[str]], expires_in: float | str) -> str:
        """Return a token for browsers. Raises `InvalidSetting` where there is no secret key."""
        if not isinstance(self._token, str):
            raise InvalidSetting("a public token is signed with the secret key: give token=")
        seconds = seconds_of(expires_in)
        return sign(self._token, scopes_of(granted), time.time(), seconds)

    def close(self, error: BaseException | None = None) -> None:
        """Send what is left, or what was written when *error* interrupted it; then let go of
        everything. Raises `InEventLoop` where that would have to be waited for.
        """
        if self.engine.pending or self.engine.outlasting:
            check_thread()  # before anything is given up
        try:
            flush_engines([self.engine], error)
        finally:
            self.engine.close()

    async def aclose(self, error: BaseException | None = None) -> None:
        """Do as `close`, without holding up the event loop."""
        # A source of this very loop must be able to go on meanwhile.
        closing = asyncio.ensure_future(asyncio.to_thread(self.close, error))
        try:
            await asyncio.shield(closing)
        except asyncio.CancelledError as interrupt:
            cut([self.engine], interrupt)
            await closing
            raise


class LeftOut:
    """Stands for an argument that was not given."""

    def __repr__(self) -> str:
        return "..."


LEFT_OUT = LeftOut()


def split(key: Any, value: Any) -> tuple[Any, Any]:
    """Return key and value of a call that was given both, or the value alone in the place of the
    key.
    """
    return (None, key) if value is LEFT_OUT else (key, value)


def _check_timeout(timeout: Silence) -> None:
    if not (timeout is None or timeout == UNLEASED or timeout >= 0):
        raise InvalidSetting(f"timeout must be 0 or more seconds, or None, not {timeout}")


def _check_superseded(superseded: Superseded) -> None:
    if superseded not in get_args(Superseded):
        raise InvalidSetting(f"superseded must be 'skip' or 'keep', not {superseded!r}")


def _key(key: str | None) -> str:
    if key is not None and not isinstance(key, str):
        raise TypeError(f"a stream's key must be a str, not {type(key).__name__}")
    return DEFAULT_KEY if key is None else key


@public
class Auth:
    """Makes public tokens with a client's secret key. Nothing is sent, so nothing is awaited."""

    def __init__(self, connect: Callable[[], Connection]) -> None:
        self._connect = connect

    def create_public_token(
        self,
        *,
        read: Iterable[str] = (),
        write: Iterable[str] = (),
        stop: Iterable[str] = (),
        manage: Iterable[str] = (),
        expires_in: float | str = "15m",
    ) -> str:
        """Return a token that allows what is named: a run by its id, a stream by `run/key`, all
        runs by `*`.

        *expires_in* is a number of seconds, or like `"90s"`, `"15m"`, `"1h"`, `"7d"`. Raises
        `InvalidSetting`, `InvalidName`.
        """
        granted = {"read": read, "write": write, "stop": stop, "manage": manage}
        return self._connect().public_token(granted, expires_in)
