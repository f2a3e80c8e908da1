"""The log: everything that can be done to streams, for whoever serves them."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from functools import partial
from itertools import islice
from math import inf

from .appending import ATTEMPTS, Appender, outpaced
from .commit import check_json
from .deleting import Deleter
from .entries import Entry
from .entry_writer import EntryWriter, Written
from .errors import (
    ClosedDifferently,
    CompletedDifferently,
    DeletedWithForks,
    FencedOff,
    NotThere,
    RunCompleted,
    RunstreamsError,
    SealingBehind,
    StreamClosed,
    no_such,
)
from .fencing import check_fence, fence_number
from .finding import Finder
from .following import Follower
from .forking import First, Forker, Wish
from .holding import Holder
from .joint import Index, Joint
from .joint_poll import Gathered, JointPoll
from .leasing import is_lost, leased_until
from .limits import PAGE_BYTES, PAGE_CHUNKS, WRITERS_COUNTED, Limits
from .model import (
    TAIL,
    Appended,
    Batch,
    Charter,
    Closed,
    Head,
    Page,
    RunInfo,
    Sent,
    Start,
    Status,
    StreamId,
    StreamInfo,
    StreamPage,
)
from .observing import Observer
from .page_cache import PageCache
from .ports import Clock, NewId, Store
from .position import Position, begun_anew, beyond_tail, generation_of
from .reading import NO_POINTERS, Cursor, Lookup, StreamGone
from .retention import closed_until, is_expired
from .runs import RunBook, run_is_completed, told
from .seal_schedule import SealSchedule
from .sealing import Sealer
from .superseding import left_out
from .turns import Turns
from .waiting import Watches

_LIST_PAGE = 200
"""Streams listed at a time when their run is completed or deleted."""

_CLOSE_AT_ONCE = 16
"""Streams closed side by side when their run is completed."""

EMPTY = Page((), 0, 0, "")
"""What there is to read of a stream that was never written."""

_ANYHOW = nullcontext()
"""Where a wait goes on whatever happens."""


class Log:
    """Appends to, reads, closes, lists and deletes streams."""

    def __init__(
        self,
        store: Store,
        *,
        limits: Limits,
        clock: Clock,
        new_id: NewId,
        background: bool,
        time_left: Callable[[], int] | None = None,
        observer: Observer | None = None,
    ) -> None:
        """Keep streams in *store*.

        With *background* sealing runs beside the append that found it due; without, inside of it,
        as it must in a Lambda function, which stands still between requests, if *time_left* (in ms)
        allows. *observer* is told of all this.
        """
        self.store = store
        self.limits = limits
        self.clock = clock
        self.runs = RunBook(store, limits, clock)
        self._appender = Appender(store, limits, clock, new_id)
        self._holder = Holder(store, limits, clock, self._appender.open)
        self._lookup = Lookup(store, limits, clock)
        self._entries = EntryWriter(store, limits, clock, self._lookup, self._appender)
        self._sealer = Sealer(store, limits, clock)
        self._observer = observer or Observer()
        self._deleter = Deleter(store, limits, clock)
        self._forker = Forker(clock, self._lookup, self._entries, self._sealer)
        self._seals = SealSchedule(self._sealer, background, time_left, self._observer)
        self._watches = Watches(self._lookup, clock, self._observer)
        self._pages = PageCache()

    # Writing

    async def append(self, stream: StreamId, batch: Batch) -> Appended:
        """Append *batch*. Raises `ChunkGap`, `StreamClosed`, `RunCompleted`, `FencedOff`,
        `IndexBeyondTail`, `SupersededTooOften`, `StreamFull`, `Busy`, `Uncertain`.
        """
        with self._observer.appending():
            answer = await self._append(stream, batch)
        if answer.first is not None and answer.last is not None:
            self._observer.appended(answer.last - answer.first + 1, batch.size)
        await self._watches.let_readers_go_first()
        return answer

    async def _append(self, stream: StreamId, batch: Batch) -> Appended:
        try:
            answer, done = await self._appender.append(stream, batch)
        except StreamClosed:
            # Closed by hand it does not know what became of its run.
            if await self.runs.is_completed(stream.run):
                raise run_is_completed(stream.run) from None
            raise
        except SealingBehind:
            # Nobody else may be left to seal: whoever sealed last has died or lost.
            await self._sealer.seal(stream)
            answer, done = await self._appender.append(stream, batch)
        if done is not None:
            self._watches.tell(stream, done.head)
            if self._sealer.is_due(done.head):
                await self._seals.some(stream, done.head if done.whole else None)
        elif batch.lease_ms and batch.client is not None:
            # A resend adds nothing, not even its promise. There is none to make on a stream that is
            # closed or was taken over.
            with suppress(StreamClosed, RunCompleted, FencedOff):
                held = await self.hold(stream, batch.client, batch.lease_ms, batch.fence)
                return answer._replace(leased_until=leased_until(held))
        return answer

    async def found(
        self, stream: StreamId, charter: Charter, first: Entry | None = None
    ) -> tuple[Head, bool]:
        """Open the stream under *charter*, with the chunks of its *first* entry, which may close
        it, too; return its head, and whether it was not there before.

        Raises `AgreedDifferently`, `RunCompleted`, `TooManyStreams`, `StreamFull`, `Busy`.
        """
        entry = first or Entry()
        head, is_new = await self._entries.found(stream, charter, entry)
        if is_new:
            await self._tell_written(stream, head, entry.count)
            if entry.count:
                self._observer.appended(entry.count, entry.size)
        return head, is_new

    async def fork(self, stream: StreamId, wish: Wish, first: First) -> tuple[Head, bool]:
        """Open the stream as a fork of another, as *wish* says, with the chunks of its *first*
        entry, which is made for a content type; return its head, and whether it was not there
        before.

        Raises what `Forker.fork` raises.
        """
        head, is_new = await self._forker.fork(stream, wish, first)
        if is_new and head.fork is not None:
            count = head.tail - head.fork.end
            await self._tell_written(stream, head, count)
            if count:
                self._observer.appended(count, head.size)
        return head, is_new

    async def absence(self, stream: StreamId) -> RunstreamsError:
        """Return what to say where there is no stream: that it was deleted and is kept for others,
        or that there is none.
        """
        if await self._lookup.is_buried(stream):
            return DeletedWithForks("the stream was deleted")
        return no_such("stream")

    async def write(self, stream: StreamId, entry: Entry) -> Written:
        """Write *entry*, chunks and close at once, to a stream that is there.

        Raises `NotThere`, `DeletedWithForks`, what `entries.decide` raises, `StreamFull`, `Busy`,
        `Uncertain`.
        """
        with self._observer.appending():
            written = await self._write(stream, entry)
        if entry.count and not written.repeated:
            self._observer.appended(entry.count, entry.size)
        await self._watches.let_readers_go_first()
        return written

    async def _write(self, stream: StreamId, entry: Entry) -> Written:
        try:
            written = await self._entries.write(stream, entry)
        except SealingBehind:
            await self._sealer.seal(stream)
            written = await self._entries.write(stream, entry)
        except NotThere:
            raise await self.absence(stream) from None
        if not written.repeated:
            await self._tell_written(stream, written.head, entry.count)
        return written

    async def _tell_written(self, stream: StreamId, head: Head, count: int) -> None:
        self._watches.tell(stream, head)
        if head.closed is not None and head.tail:
            await self._seals.everything(stream)
        elif count and self._sealer.is_due(head):
            await self._seals.some(stream)

    async def use(self, stream: StreamId, head: Head) -> None:
        """Let a stream live on that is forgotten when nobody uses it, since it is read."""
        await self._entries.use(stream, head)

    async def hold(self, stream: StreamId, holder: str, ms: int, fence: int | None = None) -> Head:
        """Promise in the name of *holder*, who began at *fence*, that the stream's producer is
        heard of within *ms*. Opens a stream that never was.

        Raises `StreamClosed`, `RunCompleted`, `FencedOff`, `Busy`, `Uncertain`.
        """
        return await self._holder.hold(stream, holder, ms, fence)

    async def take_over(self, stream: StreamId, holder: str, ms: int) -> Head:
        """Take the stream over in the name of *holder*, who promises to be heard of within *ms*, if
        not 0: who wrote until now and says at which fence it began is refused from now on. Opens a
        stream that never was.

        Raises `StreamClosed`, `RunCompleted`, `Busy`, `Uncertain`.
        """
        head = await self._holder.take_over(stream, holder, ms)
        self._watches.tell(stream, head)
        return head

    async def release(self, stream: StreamId, holder: str, fence: int | None = None) -> Head | None:
        """Take back the promise of *holder*, who began at *fence*, unless another has followed it.
        Raises `FencedOff`.
        """
        return await self._holder.release(stream, holder, fence)

    async def last_number(self, stream: StreamId, client: str) -> int:
        """Return the client's own number of its last chunk that is stored, or -1."""
        sent = await self.last_sent(stream, client)
        return sent.number if sent else -1

    async def last_sent(self, stream: StreamId, client: str) -> Sent | None:
        """Return how far the client has come."""
        head = await self._lookup.head(stream, since=NO_POINTERS)
        if head is None:
            return None
        sent = head.clients.get(client)
        if sent is None and head.spills:
            sent = await self.store.heads.spilled(stream, head.generation, client)
        return sent

    async def create(self, stream: StreamId) -> None:
        """Open the stream if it is not open. Raises `RunCompleted`."""
        head = await self._lookup.head(stream)
        if head is None:
            await self._appender.open(stream)
        elif head.closed and (head.closed_by_run or await self.runs.is_completed(stream.run)):
            raise run_is_completed(stream.run)

    async def close(self, stream: StreamId, closed: Closed, fence: int | None = None) -> Head:
        """Close the stream in the name of a writer that began at *fence*, opening it first if it
        never was; again with the same status is fine.

        Raises `ClosedDifferently`, `RunCompleted`, `FencedOff`.
        """
        head = await self._mark(
            stream,
            lambda now, seen: self.store.heads.close(
                stream, closed, now, self._kept_until(seen), fence=fence
            ),
        )
        # Whoever is kept out has not closed it before, either.
        check_fence(head, fence)
        assert head.closed is not None
        if head.tail:
            await self._seals.everything(stream)
        if head.closed.status != closed.status:
            raise ClosedDifferently(
                f"the stream is closed already: {head.closed.status}",
                status=head.closed.status,
                tail=head.tail,
            )
        return head

    async def ask_stop(self, stream: StreamId) -> Head:
        """Ask the stream's producers to stop: every answer to an append says so from now on.

        Opens a stream that never was. Raises `RunCompleted`.
        """
        return await self._mark(stream, lambda now, _: self.store.heads.ask_stop(stream, now))

    def _kept_until(self, seen: Head | None) -> int:
        """Return when a stream is forgotten that is closed now."""
        now = self.clock()
        return closed_until(seen, now, self.limits) if seen else now + self.limits.retention_ms

    async def _mark(
        self, stream: StreamId, mark: Callable[[int, Head | None], Awaitable[Head | None]]
    ) -> Head:
        """Do *mark*, given the time that the head must outlive and the head as it was seen, opening
        the stream if need be.
        """
        for _ in range(ATTEMPTS):
            # Whoever does this knows what became of the producer: nobody is taken for lost here.
            head = await self._lookup.look(stream)
            if head is None:
                await self._appender.open(stream)
            marked = await mark(min(self.clock(), head.expires - 1) if head else self.clock(), head)
            if marked is not None:
                self._watches.tell(stream, marked)
                return marked
        raise outpaced()

    async def complete_run(
        self, run: str, status: Status = "completed", error: str | None = None
    ) -> RunInfo:
        """Complete a run: close its streams as it ended and take no more chunks. Repeatable, so a
        broken-off call is repeated; the first completion counts. Raises `CompletedDifferently`.
        """
        record = await self.runs.complete(run, status, error)
        assert record.status is not None
        closed = Closed(record.status, record.error)
        after: str | None = None
        while found := await self.store.heads.streams(run, _LIST_PAGE, after, bare=True):
            still_open = [(StreamId(run, key), head) for key, head in found if not head.closed]
            for at in range(0, len(still_open), _CLOSE_AT_ONCE):
                some = still_open[at : at + _CLOSE_AT_ONCE]
                await asyncio.gather(*(self._close_by_run(*each, closed) for each in some))
            after = found[-1][0]
        self._watches.tell_of_run(run)
        if record.status != status:
            raise CompletedDifferently(
                f"the run is completed already: {record.status}", status=record.status
            )
        return told(record, self.clock())

    async def _close_by_run(self, stream: StreamId, seen: Head, closed: Closed) -> None:
        head = await self.store.heads.close(
            stream, closed, self.clock(), self._kept_until(seen), by_run=True
        )
        if head is not None:
            self._watches.tell(stream, head)
            if head.tail:
                await self._seals.everything(stream)

    # Reading

    def cursor(self, stream: StreamId) -> Cursor:
        """Return a reader's place in *stream*."""
        return self._lookup.cursor(stream)

    async def head(self, stream: StreamId, since: int = 0) -> Head | None:
        """Return the head of a stream that is not forgotten, with the pointers from *since* on."""
        return await self._lookup.head(stream, since=since)

    async def first_index(self, stream: StreamId, head: Head) -> int:
        """Return the index of the oldest chunk left, or the tail."""
        return await self._lookup.first_index(stream, head)

    async def read(
        self,
        stream: StreamId,
        start: Start | None = None,
        *,
        most: int = PAGE_CHUNKS,
        size: int = PAGE_BYTES,
        seconds: float = 0,
        presence: AbstractAsyncContextManager[object] = _ANYHOW,
        raw: bool = False,
        generation: str | None = None,
    ) -> Page:
        """Return a page from *start* (None: the oldest chunk left), waiting up to *seconds* for its
        first chunk; a *raw* one may hold bytes, as `octets` stores them. With a *generation* it is
        one of that stream, and of none that has the name before or after it.

        It is waited in *presence*; where that ends quietly before the wait does, the page is empty.
        Raises `IndexExpired`, also when the stream begins anew meanwhile, `IndexBeyondTail`, and
        `NotJson`.
        """
        head = await self.head(stream, since=_since(start))
        if generation is not None and generation_of(head) != generation:
            raise begun_anew()
        if head is not None and not raw:
            check_json(head)
        index, cursor = _index(start, head), self._lookup.cursor(stream, raw=raw)
        position = Position(index, generation_of(head))
        read, waited = cursor.page, False
        if seconds > 0 and (head is None or (index == head.tail and head.closed is None)):
            async with presence:
                head = await self._watches.beyond(stream, head, index, seconds)
            read, waited = partial(self._pages.page, cursor), True
        while head is not None:
            if position.meet(head.generation) and (index or generation is not None):
                raise begun_anew()
            try:
                page = await read(head, index, exact=start is not None, most=most, size=size)
            except StreamGone as gone:
                head = gone.head
            else:
                self._observer.delivered(page, waited)
                return page
        if generation is not None:
            raise begun_anew()
        _index(index, None)
        return EMPTY

    async def follow(
        self,
        stream: StreamId,
        start: Start = 0,
        *,
        silence: float,
        seconds: float = inf,
        exact: bool = False,
        turns: Turns | None = None,
        raw: bool = False,
        generation: str | None = None,
    ) -> Follower:
        """Return a live reader from *start* on, or from the tail where that is beyond it, until
        *silence* seconds without a chunk or *seconds* in all; a *raw* one may be given bytes, as
        `octets` stores them. With a *generation* it ends where that stream is gone.

        With *exact* an index that has expired or is beyond the tail is an error: `IndexBeyondTail`
        here, `IndexExpired` as the first that comes out of it. Raises `NotJson`.
        """
        head = await self.head(stream, since=_since(start))
        if head is not None and not raw:
            check_json(head)
        tail = head.tail if head is not None else 0
        index = _index(start, head) if exact else tail if start == TAIL else min(start, tail)
        return Follower(
            self._lookup,
            self._watches,
            self._pages,
            self._observer,
            stream,
            head,
            index,
            silence=silence,
            seconds=seconds,
            exact=exact,
            turns=turns,
            raw=raw,
            generation=generation,
        )

    def follow_run(
        self,
        run: str,
        wanted: Mapping[str, Index],
        *,
        everything: bool = False,
        silence: float,
        seconds: float = inf,
    ) -> Joint:
        """Return a live reader of several streams of *run*, by key: those that are *wanted* from
        some index on, and with *everything* all others as well, from their oldest chunk left.

        It ends after *silence* seconds in which none of them had a chunk, or after *seconds*.
        """

        async def open_(key: str, index: int, turns: Turns) -> Follower:
            return await self.follow(
                StreamId(run, key), index, silence=inf, exact=index > 0, turns=turns
            )

        finder = self._finder(run) if everything else None
        return Joint(open_, wanted, finder, silence=silence, seconds=seconds)

    async def read_run(
        self,
        run: str,
        wanted: Mapping[str, Index],
        *,
        everything: bool = False,
        most: int = PAGE_CHUNKS,
        seconds: float = 0,
        presence: AbstractAsyncContextManager[object] = _ANYHOW,
    ) -> Gathered:
        """Return pages of several streams of *run*, up to *most* chunks of each, waiting up to
        *seconds* in *presence* for the first chunk of any; *wanted* as `follow_run` has it.
        """

        async def read(key: str, index: int, size: int, wait: float) -> Page:
            start = index or None
            return await self.read(StreamId(run, key), start, most=most, size=size, seconds=wait)

        finder = self._finder(run) if everything else None
        return await JointPoll(read, wanted, finder).gather(seconds, presence)

    def _finder(self, run: str) -> Finder:
        return Finder(self.store, self._watches, self.runs, self.limits, self.clock, run)

    # Overview

    async def describe(self, stream: StreamId) -> StreamInfo | None:
        """Return the state of a stream; None when there is none."""
        return await self._described(stream, await self.head(stream))

    async def streams(self, run: str, limit: int, after: str | None) -> list[StreamInfo]:
        """Return a run's streams that are not forgotten, by key, those after *after*."""
        found: list[StreamInfo] = []
        while (wanted := limit - len(found)) > 0:
            listed = await self.store.heads.streams(run, wanted, after)
            now = self.clock()
            found += [
                described
                for key, head in listed
                if not head.is_buried
                and not is_expired(head, now, self.limits)
                and (described := await self._described(StreamId(run, key), head))
            ]
            if len(listed) < wanted:
                break
            after = listed[-1][0]
        return found

    async def stream_page(self, run: str, limit: int, after: str | None) -> StreamPage:
        """Return a run's streams as `streams` does, and the key to go on after."""
        found = await self.streams(run, limit, after)
        return StreamPage(found, found[-1].key if len(found) == limit else None)

    async def _described(self, stream: StreamId, head: Head | None) -> StreamInfo | None:
        if head is not None and is_lost(head, self.clock()):  # as it may be where it is listed
            head = await self.head(stream)
        if head is None:
            return None
        try:
            first = await self.first_index(stream, head)
        except StreamGone as gone:
            return await self._described(stream, gone.head)
        return StreamInfo(
            run=stream.run,
            key=stream.key,
            first_index=first,
            tail=head.tail,
            bytes=head.size,
            created=head.created,
            updated=head.created if head.appended is None else head.appended,
            last_append=head.appended,
            expires=head.expires,
            closed=head.closed,
            stop=head.stop,
            writers=sum(1 for _ in islice(head.clients, WRITERS_COUNTED)),
            leased_until=leased_until(head),
            traceparent=head.charter.trace if head.charter else None,
            fence=fence_number(head),
            superseded=left_out(head),
        )

    # Deleting

    async def delete(self, stream: StreamId) -> bool:
        """Delete a stream, its objects too; used again, its name starts at 0. One that has forks
        keeps what they need, and its name, until the last of them is gone. Return whether there was
        one.
        """
        deleted = await self._deleter.delete(stream)
        self._watches.tell(stream, None)
        return deleted

    async def delete_run(self, run: str) -> int:
        """Delete a run's streams and its record; return how many streams there were. Repeatable, so
        a broken-off call is repeated: until then the run is still listed.
        """
        # Each page is asked for once, or writers that go on would keep us here for ever.
        count, after = 0, None
        while found := await self.store.heads.streams(run, _LIST_PAGE, after, bare=True):
            for key, _ in found:
                count += await self.delete(StreamId(run, key))
            after = found[-1][0]
        await self.store.runs.delete(run)
        if await self.streams(run, 1, None):
            # Opened anew meanwhile, when there was a record yet: a run of its own.
            await self.runs.register(run, None, None)
        return count

    def nudge(self) -> None:
        """Look for other processes' commits now: one of them has told that it committed."""
        self._watches.nudge()

    async def aclose(self) -> None:
        """Finish sealing that is under way, then let go of the store."""
        await self._seals.aclose()
        await self._watches.aclose()
        await self.store.aclose()


def _since(start: Start | None) -> int:
    """Return from where on a reader who begins at *start* needs the head's pointers."""
    return NO_POINTERS if start == TAIL else start or 0


def _index(start: Start | None, head: Head | None) -> int:
    """Return the index that a page from *start* begins with. Raises `IndexBeyondTail`."""
    tail = head.tail if head is not None else 0
    index = tail if start == TAIL else start or 0
    if index > tail:
        raise beyond_tail(index, tail)
    return index
