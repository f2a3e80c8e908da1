"""What a host may see of a log at work, so as to measure it."""

from contextlib import AbstractContextManager, nullcontext

from .model import Page

_UNSEEN = nullcontext()


class Observer:
    """Told what a log does; this one makes nothing of it. The log works inside of each context."""

    def appending(self) -> AbstractContextManager[object]:
        """Return a context for an append, with the sealing that it finds due."""
        return _UNSEEN

    def appended(self, chunks: int, size: int) -> None:
        """Take note of an append that added so many *chunks*; *size* is what its batch counts."""

    def sealing(self) -> AbstractContextManager[object]:
        """Return a context for sealing."""
        return _UNSEEN

    def waiting(self) -> AbstractContextManager[object]:
        """Return a context for a reader's wait."""
        return _UNSEEN

    def looked(self) -> None:
        """Take note that a head was read for readers who wait."""

    def delivered(self, page: Page, waited: bool) -> None:
        """Take note of chunks for a reader, and whether it *waited* for them: a live reader has
        taken them, the answer to a poll is about to be sent.
        """
