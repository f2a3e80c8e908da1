"""The async surface: calls that are awaited in any event loop, and done by the engine."""

import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from types import MappingProxyType
from typing import Any, Generic, Literal, ParamSpec, Self, TypeVar, overload

from ..core.model import Closed, RunInfo, RunStatus, Start, Status, StreamInfo
from .awaiting import (
    Writable,
    check_source,
    check_work,
    completed,
    let_write,
    outlasting,
    passed,
    result,
    settled,
    taken,
)
from .closing import INTERRUPTIONS, status_after
from .connection import LEFT_OUT, Connection, LeftOut, split
from .errors import StopRequested
from .handles import Reading, RunReading, Sending, Taking, Watching
from .leases import UNLEASED, Silence
from .reading.superseding import Superseded
from .records import Chunk, RunChunk
from .run_context import Entered
from .run_ending import end_run
from .runs import CONTEXT, ActiveRun, Run
from .typed import form_of
from .values import JSON, Form, maker
from .writing.producer import Producer
from .writing.sources import Source

T = TypeVar("T")
P = ParamSpec("P")
R = TypeVar("R")

Infos = list[StreamInfo]
RunInfos = list[RunInfo]


class Passing(Watching[T]):
    """What passes through a pipe or a writer; an async iterator that is read once.

    It may be read while the source is piped, afterwards, or never: the pipe does not wait for it.
    What is not read yet is kept for as long as the pipe or this is, up to 64 MiB counted as JSON;
    reading on after more has passed raises `PassedBy`. At its end it raises what the source has
    raised.
    """

    def __aiter__(self) -> AsyncIterator[T]:
        return self

    async def __anext__(self) -> T:
        return await passed(self._engine, self._producer, self._next)


class Piped(Sending, Generic[T]):
    """What is being sent into one stream, in the background."""

    def __init__(self, connection: Connection, producer: Producer) -> None:
        super().__init__(connection, producer)
        self.stream: Passing[T] = Passing(connection, producer)
        """The values of the source, as they pass."""

    async def wait_until_complete(self, timeout: float | None = None) -> int | None:
        """Wait until everything is sent; return the index of its last chunk, None if there was
        none.

        *timeout* is in seconds; when waiting is given up, the pipe itself goes on. Raises
        `TimeoutError`, what the source has raised, and what the server refuses: `StreamClosed`,
        `StreamFull`, `RunCompleted`, `ChunkTooLarge`, `Denied`; `Unanswered` when patience runs
        out.
        """
        return await completed(self._connection.engine, self._producer, timeout)


class Writer(Piped[T], Writable[T]):
    """Writes chunks into one stream. An async context manager that ends with everything sent."""

    async def drain(self) -> None:
        """Wait until everything written until now is stored. Raises what sending has failed
        with.
        """
        await result(self._connection.engine, self._producer.drained())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if error is None or isinstance(error, StopRequested):
            self._producer.finish()
            await self.wait_until_complete()
            return True
        self._producer.cancel(error)
        connection = self._connection
        await settled(connection.engine, self._producer.told(), connection.timeouts.flush)
        return False


class _Iterating(Taking[T]):
    """What is iterated over, and can be closed."""

    def __aiter__(self) -> AsyncIterator[T]:
        return self

    async def __anext__(self) -> T:
        return await taken(self._engine, self._next)

    async def aclose(self) -> None:
        """Stop reading, and return when the connection is closed."""
        self._stop()
        await settled(self._engine, self._background.over)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()


class Reader(Reading[T], _Iterating[T]):
    """The chunks of a stream, as they come; an async iterator that can be closed.

    It ends at the end of the stream, after silence, and when it is closed or dropped.
    """


class RunReader(RunReading, _Iterating[RunChunk[Any]]):
    """The chunks of all streams of a run, as they come; an async iterator that can be closed.

    It ends when the run is completed and all is read, after silence, and when it is closed or
    dropped.
    """


class Successor(Writer[T]):
    """A writer that has taken its stream over: those who wrote before write no more. It goes on
    with what they have stored, or says by `supersede` from where on that no longer counts.
    """

    def __init__(
        self, connection: Connection, producer: Producer, next_index: int, form: Form
    ) -> None:
        super().__init__(connection, producer)
        self.next_index = next_index
        """Index of the first chunk that is not from before."""
        self._form = form

    async def stored(self) -> list[T]:
        """Return the chunks from before, those that have not expired and still count."""
        connection, found = self._connection, list[T]()
        session = connection.session(self.run, self.key, 0, 0, False)
        reader = Reader[Chunk[T]](connection, session, maker(self._form.decode, True))
        async with reader:
            async for chunk in reader:
                if chunk.index >= self.next_index:
                    break
                found.append(chunk.data)
        return found


class RunScope:
    """`streams.run(...)`: an async context manager, and a decorator: each call is a run then."""

    def __init__(
        self,
        connect: Callable[[], Connection],
        id: str | None,
        parent: str | None,
        root: str | None,
        lease: int | None,
    ) -> None:
        self._connect = connect
        self._named = (id, parent, root, lease)
        self._entered: dict[Entered[ActiveRun], Connection] = {}

    async def __aenter__(self) -> Run:
        connection = self._connect()
        run = connection.begin_run(*self._named)
        await connection.engine.acall(connection.register(run))
        connection.enter(run)
        self._entered[CONTEXT.enter(run)] = connection
        return Run(run)

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        entered = CONTEXT.one_of(self._entered)
        connection, run = self._entered.pop(entered), entered.run
        CONTEXT.leave(entered)
        if not run.claim_end():  # a server that stops does it
            await settled(connection.engine, run.over)
            return
        try:
            problem = await self._end(connection, run, error)
        finally:
            connection.leave(run)
        if problem is not None:
            raise problem

    async def _end(
        self, connection: Connection, run: ActiveRun, error: BaseException | None
    ) -> BaseException | None:
        ending = end_run(connection.calls, run, error, connection.timeouts.flush)
        if status_after(error) == "canceled":
            return await outlasting(connection.engine, run, ending)
        try:
            return await connection.engine.acall(ending, lasting=True)
        except INTERRUPTIONS as cut:
            is_cut = status_after(cut) == "canceled"  # which sys.exit() is not
            await self._end(connection, run, cut if is_cut else KeyboardInterrupt())
            raise

    def __call__(self, work: Callable[P, Awaitable[R]]) -> Callable[P, Coroutine[Any, Any, R]]:
        check_work(work)

        @functools.wraps(work)
        async def inside(*args: P.args, **kwargs: P.kwargs) -> R:
            async with RunScope(self._connect, *self._named):
                return await work(*args, **kwargs)

        return inside


class Streams:
    """Everything that can be done with streams."""

    def __init__(self, connect: Callable[[], Connection], form: Form = JSON) -> None:
        self._connect = connect
        self._form = form

    # Writing

    @overload
    def pipe(
        self,
        source: Source[T],
        /,
        *,
        target: str | None = None,
        close: bool | None = None,
        lease: int | None = None,
    ) -> Piped[T]: ...
    @overload
    def pipe(
        self,
        key: str,
        source: Source[T],
        *,
        target: str | None = None,
        close: bool | None = None,
        lease: int | None = None,
    ) -> Piped[T]: ...
    def pipe(
        self,
        key: str | Source[Any],
        source: Source[Any] | LeftOut = LEFT_OUT,
        *,
        target: str | None = None,
        close: bool | None = None,
        lease: int | None = None,
    ) -> Piped[Any]:
        """Send the items of a source into a stream, in the background: `pipe(key, source)`, or
        `pipe(source)` into the default stream. A plain call.

        It starts at once and needs neither iteration nor waiting. An async source is pulled in the
        event loop that this is called in, or else in the client's own; a plain iterable in a
        thread. *target* is `"self"`, `"parent"`, `"root"` or a run's id. A source that raises
        closes the stream as failed, one that is asked to stop as canceled; with *close* one that
        ends well closes it as completed, and with `close=False` nothing closes it. Should this
        process die, readers are told after *lease* seconds (None: the run's, or the client's; 0:
        they are not).

        Raises `InvalidSource`, `NoRun`, `InvalidName`, `InvalidSetting`.
        """
        name, given = split(key, source)
        check_source(given)
        connection = self._connect()
        producer = connection.producer(name, target, close, lease, self._form.encode)
        piped = Piped[Any](connection, producer)
        producer.pull(given)
        return piped

    @overload
    async def append(self, value: object, /, *, target: str | None = None) -> int: ...
    @overload
    async def append(self, key: str, value: object, *, target: str | None = None) -> int: ...
    async def append(
        self, key: object, value: object = LEFT_OUT, *, target: str | None = None
    ) -> int:
        """Append one chunk, and return its index once it is stored: `append(key, value)`, or
        `append(value)` to the default stream.

        Each call is a round trip; to write many, use `writer` or `pipe`. Raises `InvalidChunk`,
        `ChunkTooLarge`, `NoRun`, and what the server refuses.
        """
        name, given = split(key, value)
        connection = self._connect()
        stream = connection.target(name, target)
        return await connection.engine.acall(connection.append(stream, self._form.encode(given)))

    def writer(
        self,
        key: str | None = None,
        *,
        execute: Callable[[Writer[Any]], object] | None = None,
        target: str | None = None,
        close: bool | None = None,
        lease: int | None = None,
    ) -> Writer[Any]:
        """Return a writer into a stream: an async context manager; or, with *execute*, one that
        this function writes with, and that is closed when it and all that it merges have ended. A
        plain call; a coroutine function goes on in the background.

        *target*, *close* and *lease* as for `pipe`. Raises `NoRun`, `InvalidName`,
        `InvalidSetting`, and what calling *execute* raises.
        """
        connection = self._connect()
        producer = connection.producer(key, target, close, lease, self._form.encode)
        writer = Writer[Any](connection, producer)
        if execute is not None:
            let_write(producer, functools.partial(execute, writer))
        return writer

    async def take_over(
        self,
        key: str | None = None,
        *,
        target: str | None = None,
        close: bool | None = None,
        lease: int | None = None,
    ) -> Successor[Any]:
        """Take a stream over, as a worker does that is started again, and return a writer that goes
        on with it: an async context manager.

        What pipes and writers that began before send from now on is refused, wherever they are:
        they raise `FencedOff`, and neither close the stream nor complete its run. What they had
        stored stays: `stored()` gives it, and `next_index` is where it ends. Call this at each
        start, the first one included. *target*, *close* and *lease* as for `pipe`; the lease of
        those before ends.

        Raises `StreamClosed`, `RunCompleted`, `NoRun`, `InvalidName`, `InvalidSetting`.
        """
        connection = self._connect()
        taking = connection.take_over(connection.target(key, target), lease)
        succession, tail = await connection.engine.acall(taking)
        encode = self._form.encode
        producer = connection.producer(key, target, close, lease, encode, succession)
        return Successor(connection, producer, tail, self._form)

    async def close(
        self,
        key: str | None = None,
        *,
        target: str | None = None,
        status: Status = "completed",
        error: str | None = None,
    ) -> Closed:
        """Close a stream: its readers come to an end, and it takes no more chunks.

        *status* is completed, failed or canceled, *error* up to 4 KiB of text. Closing again with
        the same status is fine. Raises `ClosedDifferently`, `RunCompleted`, `NoRun`.
        """
        connection = self._connect()
        stream = connection.target(key, target)
        return await connection.engine.acall(connection.calls.close(stream, status, error))

    # Reading

    @overload
    def read(
        self,
        run: str,
        key: str | None = None,
        *,
        start_index: Start = 0,
        timeout: Silence = UNLEASED,
        strict: bool = True,
        superseded: Superseded = "skip",
        chunks: Literal[False] = False,
    ) -> Reader[Any]: ...
    @overload
    def read(
        self,
        run: str,
        key: str | None = None,
        *,
        start_index: Start = 0,
        timeout: Silence = UNLEASED,
        strict: bool = True,
        superseded: Superseded = "skip",
        chunks: Literal[True],
    ) -> Reader[Chunk[Any]]: ...
    def read(
        self,
        run: str,
        key: str | None = None,
        *,
        start_index: Start = 0,
        timeout: Silence = UNLEASED,
        strict: bool = True,
        superseded: Superseded = "skip",
        chunks: bool = False,
    ) -> Reader[Any]:
        """Iterate over the chunks of a stream: those there are, then those that come. A plain call.

        It begins at *start_index*: 0 is the oldest chunk left, a negative number counts from the
        end, `"tail"` means only what comes. It ends with the stream, or after *timeout* seconds of
        silence (None: never). Unless one is named, silence is waited out as long as a producer
        holds a lease, or nothing was ever written; after 60 seconds without either it ends, with a
        warning. `state` of the reader tells `"silent"` from `"closed"`, `next_index` where to go
        on. A stream that was closed as failed or canceled raises `StreamFailed` or `StreamCanceled`
        after its last chunk, unless *strict* is False: then `closed` of the reader tells. With
        *chunks* each item is a `Chunk`: index, data, id, timestamp.

        Chunks that a writer has superseded are left out. `RolledBack` is raised where some were
        given before that: it says how many items to keep, and the same reader, iterated over again,
        goes on with those that follow. With `superseded="keep"` all chunks are given.

        Lost connections are made again, and what was read is not read twice; nor is anything lost
        when waiting for the next chunk is given up. Raises `IndexExpired` rather than leave out
        chunks, `Denied`, and `Unanswered` when patience runs out.
        """
        connection = self._connect()
        session = connection.session(run, key, start_index, timeout, strict, superseded)
        return Reader(connection, session, maker(self._form.decode, chunks))

    def read_run(
        self,
        run: str,
        *,
        start: Mapping[str, int | None] = MappingProxyType({}),
        timeout: Silence = UNLEASED,
        strict: bool = True,
        superseded: Superseded = "skip",
    ) -> RunReader:
        """Iterate over the chunks of all streams of a run, those too that come later, over one
        connection: each item is a `RunChunk`, with its `key`. A plain call.

        *start* says where streams begin, all others at their beginning; None leaves one out. With
        `positions` of a reader before it goes on where that one was. It ends when the run is
        completed and all is read, or after *timeout* seconds of silence of all, as for `read`;
        `state` tells which. At its end the first stream that was closed as failed or canceled
        raises `StreamFailed` or `StreamCanceled`, unless *strict* is False: then `closed` tells.

        Each stream's chunks come once and in order; superseded ones as for `read`. Raises
        `IndexExpired` rather than leave out chunks, `Denied`, and `Unanswered` when patience runs
        out.
        """
        connection = self._connect()
        session = connection.run_session(run, start, timeout, strict, superseded)
        return RunReader(connection, session)

    async def stop(self, run: str, key: str | None = None) -> None:
        """Ask the producers of a stream to stop: their sources are closed, and the stream ends as
        canceled with what was written until then.
        """
        connection = self._connect()
        await connection.engine.acall(connection.calls.stop(connection.stream(run, key)))

    async def complete(
        self, run: str, *, status: Status = "completed", error: str | None = None
    ) -> RunInfo:
        """Complete a run from anywhere: its open streams are closed with *status*, and it takes no
        more chunks.

        The run that `run` has entered is completed by itself. *error* is up to 4 KiB of text.
        """
        connection = self._connect()
        return await connection.engine.acall(connection.complete(run, status, error))

    # Overview

    async def list(self, run: str) -> Infos:
        """Return the streams of a run, by key."""
        connection = self._connect()
        return await connection.engine.acall(connection.list(run))

    async def describe(self, run: str, key: str | None = None) -> StreamInfo:
        """Return the state of a stream. Raises `NotThere`."""
        connection = self._connect()
        return await connection.engine.acall(connection.calls.describe(connection.stream(run, key)))

    async def describe_run(self, run: str) -> RunInfo:
        """Return the state of a run. Raises `NotThere`."""
        connection = self._connect()
        return await connection.engine.acall(connection.describe_run(run))

    async def delete(self, run: str, key: str | None = None) -> bool:
        """Delete a stream; return whether there was one. Its name used again starts at 0."""
        connection = self._connect()
        return await connection.engine.acall(connection.calls.delete(connection.stream(run, key)))

    async def delete_run(self, run: str) -> int:
        """Delete a run with all its streams; return how many there were."""
        connection = self._connect()
        return await connection.engine.acall(connection.delete_run(run))

    async def runs(self, limit: int = 100, *, status: RunStatus | None = None) -> RunInfos:
        """Return up to *limit* runs, newest first; with *status* only those that are running,
        completed, failed, canceled, or lost.
        """
        connection = self._connect()
        return await connection.engine.acall(connection.calls.runs(limit, status))

    # Runs and definitions

    def run(
        self,
        id: str | None = None,
        *,
        parent: str | None = None,
        root: str | None = None,
        lease: int | None = None,
    ) -> RunScope:
        """Be in a run: what is written inside goes to its streams, unless a target is named.

        An async context manager, and a decorator of coroutine functions. Without *id* one is made;
        without *parent* it is the run we are in. The run is registered at the beginning; one that
        is completed raises `RunCompleted` then, an open one is joined. At the end what was begun in
        it is waited for, however long its sources take, and it is completed; or, after an
        exception, its streams are closed as failed. An error of a pipe that nobody has waited for
        is raised here, and `NotSent` when nothing of what is unsent is acknowledged for 60 seconds.

        Should this process die, the run is shown as lost, and readers of its streams are told,
        after *lease* seconds (None: the client's; 0: never). What is written inside goes by it.
        """
        return RunScope(self._connect, id, parent, root, lease)

    @overload
    def define(self, key: str, type: type[T]) -> "Defined[T]": ...
    @overload
    def define(self, key: str, type: Any = None) -> "Defined[Any]": ...
    def define(self, key: str, type: Any = None) -> "Defined[Any]":
        """Name a stream and the type of its chunks in one place.

        What is written is checked, and made JSON, as pydantic does it for that type; and what is
        read is made into that type. Raises `InvalidSetting` where the type needs pydantic and it is
        not installed, or knows nothing of the type.
        """
        return Defined(self._connect, key, form_of(type))


class Defined(Generic[T]):
    """A stream's key and the type of its chunks; the calls are those of `Streams`."""

    def __init__(self, connect: Callable[[], Connection], key: str, form: Form) -> None:
        self.key = key
        self._streams = Streams(connect, form)
        self._connect = connect
        self._form = form

    def pipe(
        self,
        source: Source[T],
        *,
        target: str | None = None,
        close: bool | None = None,
        lease: int | None = None,
    ) -> Piped[T]:
        """Send the items of *source* into the stream, in the background."""
        return self._streams.pipe(self.key, source, target=target, close=close, lease=lease)

    async def append(self, value: T, *, target: str | None = None) -> int:
        """Append one chunk, and return its index once it is stored."""
        return await self._streams.append(self.key, value, target=target)

    def writer(
        self,
        *,
        execute: Callable[[Writer[T]], object] | None = None,
        target: str | None = None,
        close: bool | None = None,
        lease: int | None = None,
    ) -> Writer[T]:
        """Return a writer into the stream."""
        return self._streams.writer(
            self.key, execute=execute, target=target, close=close, lease=lease
        )

    async def take_over(
        self, *, target: str | None = None, close: bool | None = None, lease: int | None = None
    ) -> Successor[T]:
        """Take the stream over, and return a writer that goes on with it."""
        return await self._streams.take_over(self.key, target=target, close=close, lease=lease)

    @overload
    def read(
        self,
        run: str,
        *,
        start_index: Start = 0,
        timeout: Silence = UNLEASED,
        strict: bool = True,
        superseded: Superseded = "skip",
        chunks: Literal[False] = False,
    ) -> Reader[T]: ...
    @overload
    def read(
        self,
        run: str,
        *,
        start_index: Start = 0,
        timeout: Silence = UNLEASED,
        strict: bool = True,
        superseded: Superseded = "skip",
        chunks: Literal[True],
    ) -> Reader[Chunk[T]]: ...
    def read(
        self,
        run: str,
        *,
        start_index: Start = 0,
        timeout: Silence = UNLEASED,
        strict: bool = True,
        superseded: Superseded = "skip",
        chunks: bool = False,
    ) -> Reader[Any]:
        """Iterate over the chunks of the stream; one that is not as defined raises
        `InvalidChunk`.
        """
        connection = self._connect()
        session = connection.session(run, self.key, start_index, timeout, strict, superseded)
        return Reader(connection, session, maker(self._form.decode, chunks))


for _kind in (Piped, Writer, Reader, RunReader, Successor, RunScope, Streams, Defined):
    _kind.__module__ = "runstreams.aio"  # where users find them
