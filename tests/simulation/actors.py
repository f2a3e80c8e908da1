"""Who uses a stream: writers of all kinds, readers, and those who open, close, stop and delete."""

import asyncio
import json
from contextlib import aclosing, suppress
from dataclasses import replace
from typing import get_args

from runstreams.core.entries import AgreedDifferently, Entry, TurnMissing
from runstreams.core.errors import (
    Busy,
    ChunkGap,
    ClosedDifferently,
    CompletedDifferently,
    DeletedWithForks,
    FencedOff,
    IndexBeyondTail,
    IndexExpired,
    InvalidRequest,
    NotThere,
    ObjectMissing,
    RunCompleted,
    StreamClosed,
    StreamFull,
    Uncertain,
)
from runstreams.core.following import End
from runstreams.core.forking import Wish
from runstreams.core.leasing import is_lost, leased_until
from runstreams.core.limits import LEASE_GRACE_MS
from runstreams.core.log import Log
from runstreams.core.model import (
    JSON_TYPE,
    Appended,
    Batch,
    Charter,
    Closed,
    Head,
    Page,
    Status,
    StreamId,
    Turn,
)
from runstreams.core.retention import is_expired
from tests.beginnings import beginning
from tests.simulation.chaos import CALM, Process, UnknownForm
from tests.simulation.ledger import require
from tests.simulation.world import LIFE_MS, SKEW_MS, Died, World

PASSING = (Busy, Uncertain, Died, UnknownForm)
"""What a client answers with another try."""

FORKS = "forks"
"""The run of all forks."""

ENDING = (StreamClosed, RunCompleted, StreamFull, DeletedWithForks)
"""What a client takes for the end."""


def check_ending(world: World, error: Exception) -> None:
    """Require that there was a reason to send a writer away."""
    reason = world.ended
    if isinstance(error, StreamFull):
        reason = bool(world.limits.stream_bytes)
    elif isinstance(error, StreamClosed) and error.closed_code:
        reason = bool(world.ledger.lost_ones)
    elif isinstance(error, DeletedWithForks):
        reason = world.kind == "deleting"
    elif isinstance(error, AgreedDifferently):  # it is closed, or was deleted and is forked
        reason = world.ended or bool(world.ledger.lost_ones) or world.kind == "deleting"
    require(reason, f"without reason: {error!r}")


def chunk(who: str, number: int) -> bytes:
    """Return the chunk that *who* sends as its *number*-th; no two are alike."""
    return json.dumps([who, number, "x" * (number % 7)]).encode()


def batch(world: World, now: int, who: str, number: int, count: int, **kind: str) -> Batch:
    """Return *count* chunks of *who* as one batch; where producers make promises, now and then with
    one.
    """
    lease_ms = world.lease_ms if world.lease_ms and world.rng.random() < 0.3 else 0
    lines = b"".join(chunk(who, at) + b"\n" for at in range(number, number + count))
    client = kind.get("client")
    return Batch(lines, count, now, client, number if client else 0, kind.get("once"), lease_ms)


async def pause(world: World, seconds: float = 0.2) -> None:
    """Let others go on; where chunks expire, now and then for so long that some do."""
    if world.kind == "expiring" and world.rng.random() < 0.05:
        seconds = 1.2 * LIFE_MS / 1000
    # In few steps, so that many wake at once and meet.
    await asyncio.sleep(world.rng.randrange(5) * seconds / 4)


class ClientWriter:
    """A writer with a client id that resumes as the wire document has it, and sometimes otherwise:
    it sends chunks again, concurrently, or leaves a gap.
    """

    def __init__(self, world: World, name: str, total: int) -> None:
        self.world, self.name, self.total = world, name, total
        self.acked = 0
        """Its chunks below this number are acknowledged."""
        self.heeds = world.takes_over and world.rng.random() < 0.7
        """Whether it ends when somebody takes the stream over."""
        self.fence: int | None = None
        """The fence that it began with, once it is known."""
        self.marks: dict[int, int] = {}
        """Its chunks that supersede others, and from which index on."""

    async def __call__(self) -> None:
        while self.acked < self.total:
            await pause(self.world)
            try:
                await self._send()
            except FencedOff:
                require(self.world.takes_over, "a stream was taken over by nobody")
                await close_too_late(self.world, self.fence)
                return
            except ENDING as ending:
                check_ending(self.world, ending)
                return
            except (Uncertain, Died, UnknownForm):
                await self._resume()
            except Busy:
                pass

    async def _send(self) -> None:
        rng = self.world.rng
        count = rng.randrange(1, 6)
        number = max(self.acked + rng.choice((0, 0, 0, 0, -1, -3, -6, 2)), 0)
        process, log = self.world.log()
        count = self._until_marked(number, count)
        sent = batch(self.world, process.clock(), self.name, number, count, client=self.name)
        sent = replace(sent, fence=self.fence, supersedes=self.marks.get(number))
        stop = self.world.stops
        patience = rng.random() * 0.5 if rng.random() < 0.15 else None
        try:
            answer = await self.world.ask(process, log.append(self.world.stream, sent), patience)
        except ChunkGap as gap:
            self._check_gap(gap, number)
            return
        except IndexBeyondTail:
            require(self.world.starts_anew, "what is to be superseded is not there")
            del self.marks[number]
            return
        self._check(answer, number, count)
        require(answer.stop or not stop or self.world.starts_anew, "an answer forgot to say stop")
        self.acked = max(self.acked, number + count)
        if self.heeds and self.fence is None:
            self.fence = answer.fence

    def _until_marked(self, number: int, count: int) -> int:
        """Return how many of *count* chunks may leave together: what one supersedes, its batch
        must say. Perhaps the first one does, if nobody has heard of it yet.
        """
        rng, head = self.world.superseding, self.world.head()
        is_new = number == self.acked and number not in self.marks
        if rng is not None and head is not None and is_new and rng.random() < 0.2:
            self.marks[number] = rng.randrange(head.tail + 1)
        later = [at - number for at in self.marks if number < at < number + count]
        return min([count, *later])

    def _check_gap(self, gap: ChunkGap, number: int) -> None:
        expected = gap.expected
        if self.world.starts_anew and expected < self.acked:
            self.name += "'"  # the stream is another one, so the client is too
            self.acked, self.fence, self.marks = 0, None, {}
            return
        require(expected >= self.acked, f"chunk {expected} of {self.name} was acknowledged before")
        require(expected < number, f"chunk {expected} of {self.name} was sent, not skipped")

    def _check(self, answer: Appended, number: int, count: int) -> None:
        ledger, last = self.world.ledger, number + count - 1
        if answer.last is not None:
            require(
                ledger.holds(chunk(self.name, last), answer.last),
                f"chunk {last} of {self.name} is not at {answer.last}, as was said",
            )
            require(answer.last < answer.tail, "a tail is not beyond the chunk it follows")
        if answer.first is not None:
            assert answer.last is not None
            first = last - (answer.last - answer.first)
            require(first >= number, "more chunks were added than were sent")
            require(
                ledger.holds(chunk(self.name, first), answer.first),
                f"chunk {first} of {self.name} is not at {answer.first}, as was said",
            )

    async def _resume(self) -> None:
        """Ask how far it came; or send again without asking."""
        if self.world.rng.random() < 0.3:
            return
        process, log = self.world.log()
        try:
            last = await self.world.ask(process, log.last_number(self.world.stream, self.name))
        except PASSING:
            return
        if self.world.starts_anew:
            return
        require(last >= self.acked - 1, f"HEAD forgot {self.name}: {last} below {self.acked}")
        self.acked = last + 1


async def heir(world: World, name: str) -> None:
    """Somebody who takes the stream over and goes on with it, until another one does."""
    await pause(world, 3)
    while True:
        await pause(world)
        process, log = world.log()
        try:
            head = await world.ask(process, log.take_over(world.stream, name, world.lease_ms))
            break
        except PASSING:
            continue
        except ENDING as ending:
            check_ending(world, ending)
            return
    assert head.fence is not None
    world.ledger.told_by[name] = head.generation
    writer = ClientWriter(world, name, world.rng.randrange(1, 10))
    writer.fence = head.fence.number
    await writer()


async def close_too_late(world: World, fence: int | None) -> None:
    """Close the stream as a writer does that was kept out, and was not told of that."""
    process, log = world.log()
    if world.starts_anew:
        return  # it might be another stream by now, which knows nothing of that fence
    with suppress(*PASSING, *ENDING, FencedOff, ClosedDifferently):
        await world.ask(process, log.close(world.stream, Closed("failed"), fence))


async def entrant(world: World, name: str, total: int) -> None:
    """A producer with epochs that writes entries, each until it is acknowledged; now and then it
    sends one again, or begins another life.
    """
    rng, epoch, number = world.rng, 0, 0
    for at in range(total):
        sent = _entry(name, at, rng.randrange(1, 4), Turn(name, epoch, number))
        while True:
            await pause(world)
            process, log = world.log()
            patience = rng.random() * 0.5 if rng.random() < 0.15 else None
            try:
                await world.ask(process, log.found(world.stream, Charter()))
                written = await world.ask(process, log.write(world.stream, sent), patience)
            except (*PASSING, NotThere):
                continue
            except TurnMissing as missing:
                require(world.starts_anew and not missing.expected, f"{name} was forgotten")
                return
            except (*ENDING, AgreedDifferently) as ending:
                check_ending(world, ending)
                return
            break
        turn = written.turn
        require(turn == Turn(name, epoch, number), f"{name} was taken for another: {turn}")
        require(bool(world.ledger.places.get(chunk(name, 3 * at))), f"{name} is not there")
        epoch, number = (epoch + 1, 0) if rng.random() < 0.1 else (epoch, number + 1)


def _entry(name: str, at: int, count: int, turn: Turn) -> Entry:
    lines = b"".join(chunk(name, 3 * at + each) + b"\n" for each in range(count))
    return Entry(lines, count, JSON_TYPE, turn=turn)


async def sender(world: World, name: str) -> None:
    """A writer of entries without turns: nobody would know one again, so each is sent once."""
    for at in range(world.rng.randrange(1, 8)):
        await pause(world)
        process, log = world.log()
        sent = chunk(f"{name}-{at}", 0)
        try:
            await world.ask(process, log.write(world.stream, Entry(sent + b"\n", 1, JSON_TYPE)))
        except (Busy, NotThere):
            world.refused.add(sent)
            continue
        except (Uncertain, Died, UnknownForm):
            continue
        except ENDING as ending:
            check_ending(world, ending)
            return
        require(len(world.ledger.places.get(sent, ())) == 1, f"{name} is not there once")


async def one_shot_client(world: World, name: str) -> None:
    """A client id for a single batch, sent until it is acknowledged."""
    await ClientWriter(world, name, world.rng.randrange(1, 4))()


async def one_shot(world: World, name: str) -> None:
    """A one-chunk append with an idempotency key, sent until it is acknowledged."""
    while True:
        await pause(world)
        process, log = world.log()
        sent = batch(world, process.clock(), name, 0, 1, once=name)
        patience = world.rng.random() * 0.5 if world.rng.random() < 0.15 else None
        try:
            answer = await world.ask(process, log.append(world.stream, sent), patience)
        except PASSING:
            continue
        except ENDING as ending:
            check_ending(world, ending)
            return
        assert answer.last is not None
        require(world.ledger.holds(chunk(name, 0), answer.last), f"{name} is not where it was said")
        return


async def anonymous(world: World, name: str) -> None:
    """A writer without a client id: each of its batches is sent once."""
    for at in range(world.rng.randrange(1, 5)):
        await pause(world)
        process, log = world.log()
        who = f"{name}-{at}"
        sent = batch(world, process.clock(), who, 0, world.rng.randrange(1, 4))
        try:
            answer = await world.ask(process, log.append(world.stream, sent))
        except Busy:
            world.refused.add(chunk(who, 0))
            continue
        except (Uncertain, Died, UnknownForm):
            continue
        except ENDING as ending:
            check_ending(world, ending)
            return
        assert answer.first is not None
        require(world.ledger.holds(chunk(who, 0), answer.first), f"{who} is not where it was said")


async def producer(world: World, name: str) -> None:
    """Somebody who holds a lease in silence, and then lets go of it or dies."""
    rng = world.rng
    for _ in range(rng.randrange(1, 7)):
        process, log = world.log()
        ms = rng.choice((world.lease_ms, world.lease_ms // 2))
        try:
            head = await world.ask(process, log.hold(world.stream, name, ms))
        except PASSING:
            continue
        except ENDING as ending:
            check_ending(world, ending)
            break
        assert head.lease is not None
        world.promises[name] = head.generation, head.lease.until
        await asyncio.sleep(ms / 1000 * rng.choice((0, 0.1, 0.5)))
    world.promises.pop(name, None)
    if rng.random() < 0.7:
        process, log = world.log()
        with suppress(*PASSING):
            await world.ask(process, log.release(world.stream, name))


async def late_sign(world: World, name: str, kind: str) -> None:
    """Somebody who appends, renews a lease or closes, as *kind* says, just when others find that
    the stream's producer is lost.
    """
    for at in range(4):
        if until := _promised(world):
            fastest = max(world.logs(), key=lambda each: each[0].skew)
            found = until + LEASE_GRACE_MS - fastest[0].skew
            await asyncio.sleep(max(found + 1 - world.now(), 0) / 1000)
            await asyncio.gather(_look(world, *fastest), _sign(world, f"{name}-{at}", kind))
        await pause(world, 1)


def _promised(world: World) -> int | None:
    head = world.head()
    return leased_until(head) if head is not None else None


async def _look(world: World, process: Process, log: Log) -> None:
    with suppress(*PASSING):
        await world.ask(process, log.head(world.stream))


async def _sign(world: World, name: str, kind: str) -> None:
    process, log = world.log()
    try:
        if kind == "close":
            await closer(world, "completed")
        elif kind == "append":
            sent = batch(world, process.clock(), name, 0, 1)
            await world.ask(process, log.append(world.stream, sent))
        else:
            await world.ask(process, log.hold(world.stream, name, world.lease_ms))
    except PASSING:
        pass
    except ENDING as ending:
        check_ending(world, ending)


async def follower(world: World) -> None:
    """A reader that pages through and then waits, until the stream ends; it misses nothing."""
    position, generation = 0, ""
    while True:
        process, log = world.log()
        asked, began, before = world.now(), process.clock(), world.head()
        most, size = world.rng.randrange(1, 8), world.rng.choice((1, 200, 500, 5000))
        seconds = world.rng.choice((0, 0.5, 20 if world.lease_ms else 5))
        reading = log.read(world.stream, position, most=most, size=size, seconds=seconds)
        try:
            page = await world.ask(process, reading)
        except PASSING:
            continue
        except IndexBeyondTail as beyond:
            require(world.starts_anew, "the tail went back")
            if beyond.tail == 0:
                check_absent(world, before, process.clock())
            position = 0
            continue
        except IndexExpired as expired:
            position = expired.first_index
            check_expired(world, position, process.clock(), began)
            check_forgotten(world, before, began)
            continue
        check_page(world, page, began)
        check_waiting(world, page.generation, position, asked)
        check_noticed(world, asked)
        if page.generation:
            check_forgotten(world, before, began)
        else:
            check_absent(world, before, process.clock())
        if page.generation != generation and world.starts_anew:
            position, generation = 0, page.generation
            if world.busy:
                await pause(world)
                continue
        elif page.chunks:
            require(page.chunks[0].index == position, "a page began elsewhere")
        position = page.next_index
        if page.closed or (not world.busy and (world.starts_anew or not page.generation)):
            return  # at the end, or of a stream that was never opened or is forgotten
        await pause(world)


class LiveReader:
    """A reader that follows live, and comes back whenever that ends, until the stream does; it
    misses nothing.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.index, self.generation = 0, ""

    async def __call__(self) -> None:
        world = self.world
        while True:
            process, log = world.log()
            try:
                end = await world.ask(process, self._follow(process, log))
            except PASSING:
                continue
            if end is End.CLOSED or (
                not world.busy and (world.starts_anew or (end and not self.generation))
            ):
                return
            await pause(world)

    async def _follow(self, process: Process, log: Log) -> End | None:
        """Follow until there is an end; None when the stream has begun anew since the last time."""
        world, came_back = self.world, bool(self.generation)
        asked, began = world.now(), process.clock()
        silence, seconds = world.rng.choice((4, 20)), world.rng.choice((1, 10, 1000))
        follower = await log.follow(world.stream, self.index, silence=silence, seconds=seconds)
        async with aclosing(follower.events()) as events:
            async for event in events:
                if process.death.done():
                    raise Died  # what it had in hand reaches nobody
                if isinstance(event, Page):
                    if not self._take(event, came_back, asked, began, process.clock()):
                        return None
                    came_back, asked = False, world.now()
        if follower.end is End.SILENT:
            check_waiting(world, self.generation, self.index, asked)
        if follower.end is End.CLOSED and not world.starts_anew:
            truth = world.ledger.entries.get(self.generation, [])
            require(self.index == len(truth), "a live reader ended too early")
        return follower.end

    def _take(self, page: Page, came_back: bool, asked: int, began: int, now: int) -> bool:
        """Check *page*; return False when it is of a stream that must be read from its beginning
        first.
        """
        world, first = self.world, page.chunks[0].index
        check_page(world, page, began)
        if page.generation != self.generation:
            require(world.starts_anew or not self.generation, "the stream started anew")
            self.index, self.generation = 0, page.generation
            if came_back and first:
                return False  # only now it is known that its place meant nothing
        if first != self.index:
            require(world.kind == "expiring" and first > self.index, "a live reader jumped")
            check_expired(world, first, now, began)
        check_waiting(world, page.generation, first, asked)
        self.index = page.next_index
        return True


async def replayer(world: World) -> None:
    """A reader that goes through everything there is, in pages of its own size, again and again."""
    while world.busy:
        process, log = world.log()
        cursor = log.cursor(world.stream)
        position = 0
        try:
            while True:
                began = process.clock()
                head = await world.ask(process, log.head(world.stream, since=position))
                if head is None or position >= head.tail:
                    break
                most = world.rng.randrange(1, 30)
                page = await world.ask(process, cursor.page(head, position, exact=False, most=most))
                check_page(world, page, began)
                position = page.next_index
        except PASSING:
            pass
        except (ObjectMissing, IndexBeyondTail):
            require(world.kind == "deleting", "an object was missing for a reader")
        await pause(world, 1)


def check_page(world: World, page: Page, began: int) -> None:
    """Require that a page is true, and that nothing in it had expired when it was asked for."""
    world.ledger.check_chunks(page.generation, page.chunks)
    if page.generation:
        world.ledger.check_superseded(page.generation, page.superseded, page.tail)
    gone = began - world.limits.retention_ms
    require(all(each.timestamp > gone for each in page.chunks), "an expired chunk was read")
    if page.chunks:
        require(page.next_index == page.chunks[-1].index + 1, "a page goes on elsewhere")
    require(page.next_index <= page.tail, f"a page goes on beyond the tail: {page}")
    if page.closed:
        truth = world.ledger.entries.get(page.generation, [])
        require(page.next_index == len(truth), "a reader was told of the end too early")


def check_absent(world: World, before: Head | None, now: int) -> None:
    """Require that a stream that could not be read was not there all the time."""
    head = world.head()
    if before is None or head is None or head.generation != before.generation or not head.tail:
        return
    if head.is_buried:
        return
    newest = world.ledger.entries[head.generation][before.tail - 1] if before.tail else None
    expired = newest is None or newest.time + world.limits.retention_ms <= now
    require(expired, "a stream with chunks that had not expired was not there")


def check_forgotten(world: World, before: Head | None, began: int) -> None:
    """Require that what was read was not forgotten when it was asked for."""
    head = world.head()
    if head is before and head is not None:
        require(not is_expired(head, began, world.limits), "a forgotten stream was read")


def check_waiting(world: World, generation: str, position: int, asked: int) -> None:
    """Require that a waiting reader did not sleep through news, in calm weather: it is told of
    them within the longest pause between polls and the age of a weak read.
    """
    head, since = world.head(), world.news_since(generation, position)
    if world.weather is not CALM or head is None or head.generation != generation:
        return
    if head.is_buried:
        return
    if since is not None and since >= asked:
        require(since > world.now() - 3000, "a waiting reader slept through news")


def check_noticed(world: World, asked: int) -> None:
    """Require that in calm weather whoever reads or waits notices that a producer is lost, unless
    the stream has expired by then and is not there for anybody.
    """
    head, latest = world.head(), max(asked, world.now() - 3000)
    if head is None or is_expired(head, world.now(), world.limits):
        return
    if world.weather is CALM:
        require(not is_lost(head, latest - SKEW_MS), "nobody noticed that a producer was lost")


def check_expired(world: World, first: int, now: int, began: int) -> None:
    """Require that *first* is the oldest chunk that had not expired between *began* and *now*."""
    head = world.head()
    if head is None or head.created > began - SKEW_MS:
        return  # another stream by now
    truth, life = world.ledger.entries[head.generation], world.limits.retention_ms
    if first:
        require(truth[first - 1].time <= now - life, f"chunk {first - 1} had not expired")
    if first < len(truth):
        require(truth[first].time > began - life, f"chunk {first} had expired as well")


async def looker(world: World) -> None:
    """Somebody who looks at the stream's description again and again."""
    while world.busy:
        await pause(world, 1)
        process, log = world.log()
        try:
            found = await world.ask(process, log.describe(world.stream))
            listed = await world.ask(process, log.streams(world.stream.run, 10, None))
        except PASSING:
            continue
        require(len(listed) == len({each.key for each in listed}), "a stream is listed twice")
        if found is not None and not world.starts_anew:
            require(found.first_index == 0, "chunks are gone")


async def bystander(world: World, name: str) -> None:
    """A writer of another stream of the same run, which may be completed meanwhile."""
    for at in range(3):
        await pause(world, 4)
        process, log = world.log()
        sent = batch(world, process.clock(), f"{name}-{at}", 0, 1)
        try:
            await world.ask(process, log.append(StreamId(world.stream.run, f"{name}-{at}"), sent))
        except PASSING:
            pass
        except ENDING as ending:
            check_ending(world, ending)


async def opener(world: World) -> None:
    """Somebody who creates the stream."""
    await pause(world, 2)
    process, log = world.log()
    try:
        await world.ask(process, log.create(world.stream))
    except PASSING:
        pass
    except DeletedWithForks as deleted:
        check_ending(world, deleted)
    except RunCompleted:
        require(world.ended, "an open run said that it was completed")


async def stopper(world: World) -> None:
    """Somebody who asks the producers to stop."""
    await pause(world, 3)
    process, log = world.log()
    try:
        await world.ask(process, log.ask_stop(world.stream))
    except PASSING:
        return
    except DeletedWithForks as deleted:
        check_ending(world, deleted)
        return
    except RunCompleted:
        require(world.ended, "an open run said that it was completed")
        return
    world.stops = True


async def closer(world: World, status: Status) -> None:
    """Somebody who closes the stream, and repeats it until that is acknowledged."""
    world.ended = True
    while True:
        process, log = world.log()
        try:
            await world.ask(process, log.close(world.stream, Closed(status)))
            return
        except PASSING:
            await pause(world)
        except (ClosedDifferently, RunCompleted, DeletedWithForks):
            return


async def completer(world: World) -> None:
    """Somebody who completes the run, and repeats it until that is acknowledged."""
    world.ended = True
    status = world.rng.choice(get_args(Status))
    while True:
        process, log = world.log()
        try:
            record = await world.ask(process, log.complete_run(world.stream.run, status))
            require(record.status == status, "a run was completed otherwise")
            break
        except CompletedDifferently:
            break
        except PASSING:
            await pause(world)
    if not world.starts_anew:
        world.completed = True
        streams = world.store.heads.items.get(world.stream.run, {})
        require(all(head.closed for head in streams.values()), "a completed run has open streams")


class Forker:
    """Somebody who forks the stream, or what was forked from it before, and reads, writes to and
    deletes the forks.
    """

    def __init__(self, world: World, name: str) -> None:
        self.world, self.name = world, name

    async def __call__(self) -> None:
        world, rng, forks = self.world, self.world.rng, list[StreamId]()
        for at in range(rng.randrange(1, 8)):
            await pause(world, 1)
            stream = StreamId(FORKS, f"{self.name}-{at}")
            if not await self._fork(stream, rng.choice((world.stream, *forks[-2:]))):
                continue
            forks.append(stream)
            await self._read(stream)
            await self._append(stream)
            await self._read(rng.choice(forks))
            if rng.random() < 0.5:
                await delete_fork(world, forks.pop(rng.randrange(len(forks))))

    async def _fork(self, stream: StreamId, source: StreamId) -> bool:
        world, rng = self.world, self.world.rng
        head = world.head(source)
        anchor = rng.choice((None, rng.randrange(head.tail + 1) if head else 0))
        wish = Wish(source, anchor, rng.choice((0, 0, 1, 2)) if anchor is not None else 0)
        first = Entry(chunk(stream.key, 9) + b"\n", 1) if rng.random() < 0.3 else Entry()
        process, log = world.log()
        try:
            forked, _ = await world.ask(process, log.fork(stream, wish, beginning(first)))
        except (*PASSING, NotThere, InvalidRequest, AgreedDifferently, StreamFull):
            return False
        require(forked.fork is not None, "a fork is none")
        return True

    async def _read(self, stream: StreamId) -> None:
        process, log = self.world.log()
        began, most = process.clock(), self.world.rng.randrange(1, 30)
        try:
            page = await self.world.ask(process, log.read(stream, most=most))
        except PASSING:
            return
        check_page(self.world, page, began)

    async def _append(self, stream: StreamId) -> None:
        process, log = self.world.log()
        sent = batch(self.world, process.clock(), stream.key, 0, 3)
        with suppress(*PASSING, StreamFull):
            await self.world.ask(process, log.append(stream, sent))


async def delete_fork(world: World, stream: StreamId) -> None:
    """Delete a fork, until that is acknowledged."""
    while True:
        process, log = world.log()
        try:
            await world.ask(process, log.delete(stream))
            return
        except PASSING:
            await pause(world)


async def deleter(world: World) -> None:
    """Somebody who deletes the stream or its run, and repeats it until that is acknowledged."""
    await pause(world, 3)
    gone = world.head()
    while True:
        process, log = world.log()
        try:
            if world.rng.random() < 0.5:
                await world.ask(process, log.delete(world.stream))
            else:
                await world.ask(process, log.delete_run(world.stream.run))
            break
        except PASSING:
            await pause(world)
    head = world.head()
    if gone is not None:
        is_gone = head is None or head.generation != gone.generation or head.is_buried
        require(is_gone, "a deleted stream is there")
