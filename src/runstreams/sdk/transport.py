"""The seam between the SDK and a server: what can be asked, once, without trying again."""

from collections.abc import AsyncGenerator, Mapping
from typing import Protocol

from ..core.leasing import Claim
from ..core.model import (
    Closed,
    RunInfo,
    RunPage,
    RunStatus,
    Status,
    StreamId,
    StreamInfo,
    StreamPage,
)
from ..core.public import public
from .records import ChunkPage, Receipt, RunItems, Sharing, SignOfLife, TakenOver


@public
class Transport(Protocol):
    """A way to a server. Any method may raise `Unreachable` and what the server refuses with.

    Made and used in one event loop.
    """

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
        """Append *body*, JSON lines, whose first one has the *client*'s own *number*.

        What was appended before under the same numbers is acknowledged again, and not doubled. With
        *lease* the client promises to be heard of within so many seconds, also without lines; 0
        takes that back, behind the lines. With *fence* it is refused once the stream was taken over
        more often: `FencedOff`. The stream's chunks from index *supersedes* on no longer count, up
        to these.
        """

    async def page(
        self,
        stream: StreamId,
        start: int | None,
        wait: float,
        limit: int,
        sharing: Sharing | None = None,
    ) -> ChunkPage:
        """Return chunks from *start* (None: the oldest left), waiting up to *wait* seconds for the
        first one; with *sharing*, what a cache gives to all who want the same. Raises
        `IndexExpired`, `IndexBeyondTail`.

        A chunk's id is the generation of its stream, a hyphen and its index: readers tell by it
        when a stream was deleted and begun anew.
        """

    async def tail(self, stream: StreamId) -> int:
        """Return the index that the next chunk will get."""

    def follow(
        self, stream: StreamId, start: int, silence: float
    ) -> AsyncGenerator[ChunkPage | SignOfLife, None]:
        """Yield chunks from *start* on as they come, and signs of life, until the end of the stream
        or, about, for so many seconds of *silence*.

        What has expired is passed over. Raises `NoEventStream` where none is to be had.
        """

    async def page_run(
        self, run: str, wanted: Mapping[str, int | None], wait: float, limit: int
    ) -> RunItems:
        """Return chunks of all streams of a run, those that are *wanted* from some index on and all
        others from their beginning, waiting up to *wait* seconds for the first one; None leaves a
        stream out.
        """

    def follow_run(
        self, run: str, wanted: Mapping[str, int | None], silence: float
    ) -> AsyncGenerator[RunItems, None]:
        """Yield the same as it comes, until everything is over or, about, for so many seconds of
        *silence*. Raises `NoEventStream` where none is to be had.
        """

    async def take_over(self, stream: StreamId, client: str, lease: int) -> TakenOver:
        """Take a stream over for *client*, which promises to be heard of within *lease* seconds, if
        not 0. Raises `StreamClosed`, `RunCompleted`.
        """

    async def close(
        self, stream: StreamId, status: Status, error: str | None, fence: int | None = None
    ) -> Closed:
        """Close a stream; not, with *fence*, once it was taken over more often. Raises
        `ClosedDifferently`, `RunCompleted`, `FencedOff`.
        """

    async def stop(self, stream: StreamId) -> None:
        """Ask the producers of a stream to stop."""

    async def describe(self, stream: StreamId) -> StreamInfo:
        """Return the state of a stream. Raises `NotThere`."""

    async def delete(self, stream: StreamId) -> bool:
        """Delete a stream; return whether there was one."""

    async def streams(self, run: str, after: str | None) -> StreamPage:
        """Return some of a run's streams by key, those after *after*, the `next` of a page."""

    async def runs(self, limit: int, after: str | None, status: RunStatus | None = None) -> RunPage:
        """Return up to *limit* recent runs, newest first, those after *after*; with *status* only
        those that are so. There may be fewer, even none, before the last page.
        """

    async def describe_run(self, run: str) -> RunInfo:
        """Return the state of a run. Raises `NotThere`."""

    async def register(
        self, run: str, parent: str | None, root: str | None, claim: Claim | None = None
    ) -> RunInfo:
        """Register a run and what is above it; with *claim*, who promises to be heard of."""

    async def complete(self, run: str, status: Status, error: str | None) -> RunInfo:
        """Complete a run, which has ended so: its open streams close."""

    async def delete_run(self, run: str) -> int:
        """Delete a run with its streams; return how many there were."""

    async def aclose(self) -> None:
        """Close all connections."""
