"""Where a reader is, and when the stream under it has begun anew.

A stream that was deleted or forgotten and then used again is another one, of another generation. It
is read from its beginning, since the indexes of the one before say nothing about it.
"""

from .errors import IndexBeyondTail, IndexExpired
from .model import Head

EPOCH_END = "."
"""What stands in a generation between its epoch and its name."""


class Position:
    """A reader's next index, in one generation of its stream."""

    __slots__ = ("generation", "index")

    def __init__(self, index: int, generation: str | None = None) -> None:
        """Begin at *index*; the *generation* is None as long as nothing is known of the stream."""
        self.index = index
        self.generation = generation

    def meet(self, generation: str | None) -> bool:
        """Take in that the stream is of *generation*, if that is known. Return whether it has begun
        anew: then this is its beginning.
        """
        if generation is None:
            return False
        goes_on, self.generation = self.goes_on(generation), generation
        if not goes_on:
            self.index = 0
        return not goes_on

    def goes_on(self, generation: str) -> bool:
        """Say whether a stream of *generation* goes on from here, as far as is known."""
        return self.generation in (None, generation)


def generation_in(epoch: int, name: str) -> str:
    """Return the generation of a stream that is opened in *epoch*, made of a fresh *name*."""
    return epoch_prefix(epoch) + name


def is_of_epoch(head: Head, epoch: int) -> bool:
    """Say whether the stream was opened in *epoch*."""
    return head.generation.startswith(epoch_prefix(epoch))


def is_left_behind(head: Head, epoch: int) -> bool:
    """Say whether the stream was opened in another epoch and is open: what was appended to it since
    its head was as it is now is lost, so that it can be read, and not be gone on with.
    """
    return head.closed is None and not is_of_epoch(head, epoch)


def epoch_prefix(epoch: int) -> str:
    """Return how the generations of *epoch* begin; those of the first as they like."""
    return f"{epoch}{EPOCH_END}" if epoch else ""


def begun_anew() -> IndexExpired:
    """Return the error that tells whoever asked for an index that the stream has begun anew."""
    return IndexExpired("the stream has begun anew; the oldest left is 0", first_index=0)


def beyond_tail(index: int, tail: int) -> IndexBeyondTail:
    """Return the error that tells whoever asked for *index* that there are not so many chunks."""
    return IndexBeyondTail(f"index {index} is beyond the tail, {tail}", tail=tail)


def tells_of_beginning_anew(error: IndexExpired) -> bool:
    """Say whether *error* is one of `begun_anew`: of an index that expired, never all is left."""
    return error.first_index == 0


def generation_of(head: Head | None) -> str | None:
    """Return a stream's generation; None when there is no stream."""
    return head.generation if head is not None else None


def id_prefix(generation: str) -> str:
    """Return what the ids of a stream's chunks begin with; the rest is a chunk's index."""
    return f"{generation}-"


def generation_of_id(chunk_id: str) -> str:
    """Return the generation of the stream that a chunk with this id is of."""
    return chunk_id.rpartition("-")[0]
