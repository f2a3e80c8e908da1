"""How many readers wait with each public token, so that one token cannot take all connections."""

from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from ...core.access import Grant
from ...core.errors import TooManyReaders

AGAIN_SECONDS = 5
"""When whoever is refused should come back: by then somebody may have gone."""

_UNCOUNTED = nullcontext()


class Readers:
    """The readers of one process that wait, by what they authorize themselves with."""

    def __init__(self, most: int = 0) -> None:
        """Let *most* wait with one token; 0 means no limit."""
        self._most = most
        self._waiting = Counter[bytes]()

    def one_more(self, grant: Grant, credential: bytes) -> AbstractContextManager[None]:
        """Count a reader for as long as the block lasts, unless a secret key stands behind it.
        Entering raises `TooManyReaders`.
        """
        if not self._most or grant.everything:
            return _UNCOUNTED
        return self._counted(credential)

    @contextmanager
    def _counted(self, credential: bytes) -> Iterator[None]:
        if self._waiting[credential] >= self._most:
            raise TooManyReaders(
                f"{self._most} readers wait with this token already",
                limit=self._most,
                retry_after=AGAIN_SECONDS,
            )
        self._waiting[credential] += 1
        try:
            yield
        finally:
            self._waiting[credential] -= 1
            if not self._waiting[credential]:
                del self._waiting[credential]
