"""What pipes, writers and readers are apart from waiting, which is sync or async."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

from ..core.model import Closed
from ..core.position import Position, generation_of_id
from .connection import Connection
from .engine.queues import NothingYet, Tee
from .errors import RolledBack
from .reading.base import Session, State
from .reading.run_session import RunSession
from .reading.session import ReadSession
from .records import Chunk, Rollback, RunChunk
from .writing.producer import Producer
from .writing.sources import Source

T = TypeVar("T")

logger = logging.getLogger("runstreams")


class Sending:
    """What is being sent into one stream, in the background."""

    def __init__(self, connection: Connection, producer: Producer) -> None:
        self._connection = connection
        self._producer = producer

    @property
    def run(self) -> str:
        """The id of the run that is written to."""
        return self._producer.stream.run

    @property
    def key(self) -> str:
        """The stream's key."""
        return self._producer.stream.key

    @property
    def stopped(self) -> bool:
        """Whether readers have asked the producer to stop."""
        return self._producer.stopped

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.run}/{self.key}: {self._producer.state}>"

    def cancel(self) -> None:
        """Close the source and end the stream as canceled; what was written stays."""
        self._producer.cancel()


class Writing(Sending, Generic[T]):
    """What is written chunk by chunk."""

    def merge(self, source: Source[T]) -> None:
        """Write the items of *source* too, in the background. Raises `InvalidSource`."""
        self._producer.merge(source)

    def supersede(self, from_index: int) -> None:
        """Let the chunks of the stream from *from_index* on no longer count, up to the next one
        that is written here: readers leave them out, and take back what they have given of them.

        It is stored together with that next chunk; nothing is superseded unless there is one.
        Raises `InvalidIndex`, `WriterClosed`, and what sending has failed with. One beyond the tail
        fails the writer: `IndexBeyondTail`.
        """
        self._producer.supersede(from_index)

    def close(self) -> None:
        """Take no more chunks; what is written and merged is still sent, in the background."""
        self._producer.finish()

    def __del__(self) -> None:
        if self._producer.is_open and self._producer.is_ours:
            logger.warning("%s/%s: a writer was dropped and never ended", self.run, self.key)
            self._producer.finish()


class Watching(Generic[T]):
    """What passes through a pipe or a writer, for whoever wants to see it."""

    def __init__(self, connection: Connection, producer: Producer) -> None:
        self._engine = connection.engine
        self._producer = producer
        self._tee: Tee[T] = producer.tee()

    def _next(self) -> T:
        """Return the next value. Raises `NothingYet`, `StopIteration`, and what went wrong."""
        self._producer.check_process()
        try:
            return self._tee.next()
        except (NothingYet, StopIteration):
            raise
        except Exception:
            self._producer.seen = True
            raise


class Taking(ABC, Generic[T]):
    """Chunks that are read in the background, one after the other."""

    def __init__(self, connection: Connection, session: Session[Any]) -> None:
        self._engine = connection.engine
        self._background = session
        self._chunks: Iterator[Any] = iter(())
        session.start()

    def _next(self) -> T:
        """Return the next item. Raises `NothingYet`, `StopIteration`, and what went wrong."""
        for chunk in self._chunks:
            return self._given(chunk)
        self._chunks = iter(self._background.take())
        return self._given(next(self._chunks))

    @abstractmethod
    def _given(self, chunk: Any) -> T:
        """Return *chunk* as the item that is given."""

    def _stop(self) -> None:
        self._chunks = iter(())
        self._background.stop()

    def __del__(self) -> None:
        self._background.stop()


class Reading(Taking[T]):
    """The chunks of a stream, as they come."""

    def __init__(
        self, connection: Connection, session: ReadSession, make: Callable[[Chunk[Any]], T]
    ) -> None:
        self._session = session
        self._make = make
        self._position = Position(0)
        self._kept = 0
        """How many of the items that it gave still count."""
        self._refused: list[int] = []
        """Indexes of chunks that were no items, since they are not as defined."""
        super().__init__(connection, session)

    def _given(self, chunk: Chunk[Any] | Rollback) -> T:
        if isinstance(chunk, Rollback):
            raise self._taken_back(chunk)
        if self._position.meet(generation_of_id(chunk.id)):
            self._refused.clear()  # they were of the stream before
        self._position.index = chunk.index + 1
        try:
            item = self._make(chunk)
        except Exception:  # `InvalidChunk`, or what a type's own validation raises
            self._refused.append(chunk.index)
            raise
        self._kept += 1
        return item

    def _taken_back(self, rollback: Rollback) -> RolledBack:
        refused = [index for index in self._refused if index < rollback.index]
        self._kept -= rollback.dropped - (len(self._refused) - len(refused))
        self._refused = refused
        return _rolled_back(rollback, self._kept)

    @property
    def state(self) -> State:
        """How it is going: connecting, live, retrying; or how it ended: closed, silent, failed."""
        return self._session.state

    @property
    def next_index(self) -> int:
        """The index after the last chunk that it gave; `start_index` of a read that goes on."""
        given = self._position
        return self._session.begun_at if given.generation is None else given.index

    @property
    def closed(self) -> Closed | None:
        """How the stream ended, once that is known."""
        return self._session.cursor.closed

    def __repr__(self) -> str:
        session = self._session
        name = f"{session.stream.run}/{session.stream.key}"
        return f"<{type(self).__name__} {name}: {self.state}, at index {self.next_index}>"


def _rolled_back(rollback: Rollback, kept: int) -> RolledBack:
    key, index = rollback.key, rollback.index
    return RolledBack(
        f"the chunks of {key} from index {index} on no longer count, and others follow: drop them, "
        f"keep the first {kept}, and read on",
        key=key,
        index=index,
        kept=kept,
    )


class RunReading(Taking[RunChunk[Any]]):
    """The chunks of all streams of a run, as they come."""

    def __init__(self, connection: Connection, session: RunSession) -> None:
        self._session = session
        self.positions: dict[str, int] = {}
        """The index after the last chunk that was had of each stream: where to *start* again."""
        self._kept: dict[str, int] = {}
        super().__init__(connection, session)

    def _given(self, chunk: RunChunk[Any] | Rollback) -> RunChunk[Any]:
        kept = self._kept.get(chunk.key, 0)
        if isinstance(chunk, Rollback):
            self._kept[chunk.key] = kept - chunk.dropped
            raise _rolled_back(chunk, kept - chunk.dropped)
        self._kept[chunk.key] = kept + 1
        self.positions[chunk.key] = chunk.index + 1
        return chunk

    @property
    def state(self) -> State:
        """How it is going: connecting, live, retrying, closed, silent, failed."""
        return self._session.state

    @property
    def closed(self) -> dict[str, Closed]:
        """How those streams have ended that are known to have."""
        return self._session.closed

    def __repr__(self) -> str:
        name, state = self._session.run, self.state
        return f"<{type(self).__name__} {name}: {state}, {len(self.positions)} streams>"
