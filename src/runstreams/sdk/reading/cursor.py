"""A reader's place in a stream: what it has, what comes next, and what must not happen.

Whatever connections do, each chunk comes out once and in order: what is behind the place is
dropped, and what would leave a hole is an error. The place is counted in indexes of one generation
of the stream; when the stream was deleted and begun anew, it goes back to 0. Something in between
may have kept answers of before: a generation that was left is not gone back to, and one that is
still there goes on where it was.
"""

from ...core.errors import IndexBeyondTail, IndexExpired
from ...core.model import Closed
from ...core.position import Position, generation_of_id, tells_of_beginning_anew
from ..records import Chunk, ChunkPage


class ReadCursor:
    """Where a reader is. It knows nothing of connections and time."""

    def __init__(self, start: int) -> None:
        """Begin at index *start*; 0 means the oldest chunk left."""
        self.closed: Closed | None = None
        """How the stream ended, once that is reached."""
        self.tail = 0
        """The tail as it was last heard of."""
        self.is_unwritten = True
        """Whether nothing was ever heard of that was written, also not before it was deleted."""
        self._ask = start
        self._position = Position(start)
        self._before: Position | None = None
        """Where it was in the stream that is said to have been begun anew."""
        self._left: set[str | None] = set()
        """Generations that others have followed."""

    @property
    def next_index(self) -> int:
        """The first index that has not been read."""
        return self._position.index

    @property
    def ask(self) -> int | None:
        """The index to ask for; None for the oldest chunk left."""
        return self._ask or None

    @property
    def generation(self) -> str | None:
        """Which stream of its name it reads; None as long as nothing of it was read."""
        return self._position.generation

    @property
    def is_behind(self) -> bool:
        """Whether there is more to read already."""
        return self.closed is None and self._ask < self.tail

    def take(self, page: ChunkPage) -> list[Chunk[object]]:
        """Return the chunks of *page* that are new. Raises `IndexExpired` when one was missed."""
        self.is_unwritten = self.is_unwritten and not page.tail
        if not self._goes_on(page):
            return []
        position = self._position
        new = [chunk for chunk in page.chunks if chunk.index >= position.index]
        if new and new[0].index > position.index > 0:
            first = new[0].index
            raise IndexExpired(
                f"chunk {position.index} has expired; the oldest left is {first}",
                first_index=first,
            )
        if new or page.next_index >= self._ask:  # else it is old: something has kept it
            self._ask, self.tail, self.closed = page.next_index, page.tail, page.closed
        if new:
            position.index = new[-1].index + 1
        return new

    def _goes_on(self, page: ChunkPage) -> bool:
        """Say whether *page* is of the stream that is read now, as far as it tells."""
        generation = _generation(page)
        if generation is None:
            return True
        if generation in self._left:
            return False
        if self._before is not None and generation == self._before.generation:
            self._position, self._before = self._before, None
            self._ask = self._position.index
            return False
        if not self._position.goes_on(generation):
            self._restart()
            self.tail = page.tail
            if not page.chunks or page.chunks[0].index > 0:
                return False  # the new stream is read from its beginning
        self._position.meet(generation)
        if self._before is not None:
            self._left.add(self._before.generation)
            self._before = None
        return True

    def beyond(self, error: IndexBeyondTail) -> None:
        """Take in that the asked index is not there yet: wait for it at the tail.

        When it was read before, the stream has been begun anew, and is read from its beginning.
        """
        if self._position.generation is not None:
            self._restart()
        else:
            self._ask = self.tail = error.tail

    def expired(self, error: IndexExpired) -> None:
        """Take in that the asked index is gone. Raises *error* unless that is because the stream
        has been begun anew.
        """
        if not tells_of_beginning_anew(error):
            raise error
        self._restart()

    def _restart(self) -> None:
        if self._position.generation is not None:
            self._before = self._position
        self._ask = self.tail = 0
        self._position = Position(0)


def _generation(page: ChunkPage) -> str | None:
    """Return which stream of its name *page* is of."""
    return generation_of_id(page.chunks[0].id) if page.chunks else page.generation
