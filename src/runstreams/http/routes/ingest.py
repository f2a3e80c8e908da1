"""Taking chunks in from a body of JSON lines, while it arrives.

Complete lines that arrived together are one batch; the next piece is read when they are committed,
so that a fast writer is slowed down to what the store can do. A bad line stores nothing of itself,
and everything before it stays.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from ...core.errors import BodyPlace, ChunkTooLarge, InvalidChunk, RunstreamsError, StreamFull
from ...core.fencing import fence_number
from ...core.json_lines import check_chunk, plain_chunks
from ...core.leasing import Claim, leased_until
from ...core.limits import BATCH_BYTES, BATCH_CHUNKS, BODY_CHUNKS, CHUNK_BYTES
from ...core.log import Log
from ...core.model import Appended, Batch, Head, StreamId
from ...core.reading import NO_POINTERS
from ..call import Call, ClientGone
from ..trigger import check_overlap, is_published_writer, overlap
from .lines import Lines

_SPACE = b" \t\r\n"

_UNFINISHED = CHUNK_BYTES + 1024
"""Longest line that is waited for: a chunk, and some white space around it."""


class Pledge(NamedTuple):
    """What a writer says with its chunks."""

    claim: Claim | None
    """What its client promises."""
    fence: int | None
    """How often the stream had been taken over when it began; None: that is the same to it."""
    supersedes: int | None = None
    """From which index on the chunks before its own no longer count; None: all do."""


class _BodyWriter:
    """Commits one body's lines, batch by batch."""

    def __init__(
        self,
        log: Log,
        stream: StreamId,
        client: str | None,
        number: int,
        pledge: Pledge,
        batch: tuple[int, int],
        known: Mapping[int, bytes],
    ) -> None:
        """Number the chunks of *client* from *number* on; a batch has at most so many bytes and
        chunks. Those that are *known* are compared. What the client promises and supersedes by its
        *pledge* goes with the first batch, the fence it names with each.
        """
        self._log = log
        self._stream = stream
        self._client = client
        self._number = number
        self._claim, self._fence, self._supersedes = pledge
        self._bytes, self._chunks = batch
        self._known = known
        self._line = 0
        self._first: int | None = None
        self._begun_at: int | None = None
        self._answer: Appended | None = None

    async def write(self, lines: list[bytes]) -> None:
        """Commit *lines*; where a stream is full, those that fit. Raises what `Log.append` and
        `check_chunk` raise, with the last index as a fact, and the line where it is to blame.
        """
        before, first = self._line, self._number
        try:
            await self._write(lines)
        except StreamFull as error:
            self._line = before + _place(lines, self._number - first)
            raise self._at_line(error) from None

    async def _write(self, lines: list[bytes]) -> None:
        if self._fit(lines) and (chunks := plain_chunks(lines)) is not None:
            self._line += len(lines)
            await self._commit(chunks)
            return
        good: list[bytes] = []
        size = 0
        for line in lines:
            self._line += 1
            try:
                chunk = check_chunk(line) if line.strip(_SPACE) else b""
            except (InvalidChunk, ChunkTooLarge) as error:
                await self._commit(good)
                raise self._at_line(error) from None
            if not chunk:
                continue
            if good and (size + len(chunk) > self._bytes or len(good) == self._chunks):
                await self._commit(good)
                good, size = [], 0
            good.append(chunk)
            size += len(chunk)
        await self._commit(good)

    def _fit(self, lines: Sequence[bytes]) -> bool:
        return len(lines) <= self._chunks and sum(map(len, lines)) <= self._bytes

    async def refuse(self, size: int) -> None:
        """Refuse a line that has *size* bytes already and goes on. Raises `ChunkTooLarge`."""
        self._line += 1
        message = f"a chunk may have {CHUNK_BYTES} bytes, this one has {size} or more"
        raise self._at_line(ChunkTooLarge(message, limit=CHUNK_BYTES, size=size))

    async def receipt(self) -> Appended:
        """Return what became of the body; its fence is that of its first chunks."""
        answer = self._answer
        if answer is not None:
            first, fence = self._first, self._begun_at or 0
            answer = answer._replace(first=first, duplicate=first is None, fence=fence)
            if self._claim is None:
                return answer
        head = await self._settle()
        until = leased_until(head) if head is not None else None
        if answer is not None:
            return answer._replace(leased_until=until)
        if head is None:
            return Appended(None, None, 0, False)
        return Appended(None, None, head.tail, head.stop, False, until, fence_number(head))

    async def _settle(self) -> Head | None:
        """Do what is left of the client's claim, and return the head of the stream."""
        if self._claim is None:
            return await self._log.head(self._stream, since=NO_POINTERS)
        holder, ms = self._claim
        try:
            if ms:
                return await self._log.hold(self._stream, holder, ms, self._fence)
            return await self._log.release(self._stream, holder, self._fence)
        except RunstreamsError as error:
            if self._answer is None:
                raise
            raise replace(error, place=BodyPlace(None, self._last)) from error

    async def _commit(self, chunks: list[bytes]) -> None:
        if not chunks:
            return
        count = len(chunks)
        try:
            check_overlap(self._known, self._number, chunks)
            lines = b"\n".join((*chunks, b""))
            ms = self._claim.ms if self._claim else 0
            who = self._client, self._number
            now = self._log.clock()
            batch = Batch(lines, count, now, *who, None, ms, self._fence, self._supersedes)
            self._answer = await self._log.append(self._stream, batch)
        except StreamFull as error:
            if not (fitting := _fitting(chunks, error)):
                raise
            await self._commit(chunks[:fitting])
            await self._commit(chunks[fitting:])  # to be told how full it is now
            return
        except RunstreamsError as error:
            raise replace(error, place=BodyPlace(None, self._last)) from error
        if ms:
            self._claim = None
        self._supersedes = None
        self._number += count
        if self._begun_at is None:
            self._begun_at = self._answer.fence
        if self._first is None:
            self._first = self._answer.first

    @property
    def _last(self) -> int | None:
        return self._answer.last if self._answer else None

    def _at_line(self, error: RunstreamsError) -> RunstreamsError:
        message = f"line {self._line}: {error.message}"
        return replace(error, message=message, place=BodyPlace(self._line, self._last))


def _place(lines: Sequence[bytes], stored: int) -> int:
    """Return which of *lines*, counted from 1, is the first chunk after *stored* ones."""
    chunks = [at for at, line in enumerate(lines, 1) if line.strip(_SPACE)]
    return chunks[stored]


def _fitting(chunks: Sequence[bytes], full: StreamFull) -> int:
    """Return how many of *chunks* fit into a stream that was too *full* for all of them."""
    over, count = full.size - full.limit, len(chunks)
    while count and over > 0:
        count -= 1
        over -= len(chunks[count])
    return count


async def ingest(
    call: Call, stream: StreamId, client: str | None, number: int, pledge: Pledge
) -> Appended:
    """Append the body's lines to *stream*, and do what its client claims; return when the body has
    ended.

    An unterminated last line counts when the body ends cleanly, and not when it breaks off. Raises
    `ClientGone` then, and what `_BodyWriter.write` raises.
    """
    log, most = call.service.log, call.host.body_bytes
    known: Mapping[int, bytes] = {}
    if client is not None and is_published_writer(call.headers):
        known = await overlap(log, stream, client, number)
    if most is not None:
        writer = _BodyWriter(log, stream, client, number, pledge, (most, BODY_CHUNKS), known)
        await writer.write((await call.body(most)).split(b"\n"))
        return await writer.receipt()
    writer = _BodyWriter(log, stream, client, number, pledge, (BATCH_BYTES, BATCH_CHUNKS), known)
    lines = Lines()
    try:
        while (piece := await call.piece()) is not None:
            if complete := lines.feed(piece):
                await writer.write(complete)
            if lines.unfinished > _UNFINISHED:
                await writer.refuse(lines.unfinished)
    except ClientGone:
        await writer.write(lines.feed(call.left_over()))
        raise
    if last := lines.end():
        await writer.write(last)
    return await writer.receipt()
