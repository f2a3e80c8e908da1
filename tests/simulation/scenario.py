"""What happens in a world, and what must be true when it is over."""

import asyncio
from collections import defaultdict
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

from runstreams.core.errors import ClosedDifferently, DeletedWithForks, RunCompleted
from runstreams.core.model import Closed, StreamId
from runstreams.core.unsealed import objects
from tests.simulation import actors
from tests.simulation.chaos import CALM
from tests.simulation.ledger import require
from tests.simulation.world import World


async def scenario(world: World) -> None:
    """Let everybody of a drawn cast do their part, then look at what is left."""
    clients = [
        actors.ClientWriter(world, f"c{at}", world.rng.randrange(3, 16))
        for at in range(world.rng.randrange(1, 6))
    ]
    writers = [*(writer() for writer in clients), *_one_timers(world)]
    readers = [actors.follower(world) for _ in range(world.rng.randrange(1, 3))]
    live = [actors.LiveReader(world)() for _ in range(world.rng.randrange(1, 3))]
    others = [actors.replayer(world), actors.looker(world), *_passers_by(world)]
    watching = [world.start(each) for each in [*readers, *live, *others]]
    writing = [world.start(each) for each in writers]
    if world.rng.random() < 0.3:
        await actors.pause(world, 3)
        await _end(world)
    await asyncio.gather(*writing)
    # Where it lasts, readers stay to its end; elsewhere nobody may be left to notice anything.
    if world.starts_anew or world.rng.random() < 0.5:
        await _end(world)
    else:
        watching.append(world.start(_abandon(world)))
    world.busy = False
    await asyncio.gather(*watching)
    await check_the_end(world, clients)


def _one_timers(world: World) -> list[Coroutine[Any, Any, None]]:
    rng = world.rng
    crowd = 40 if rng.random() < 0.1 else 0
    producers = rng.randrange(4) if world.lease_ms else 0
    # Elsewhere the course stays what it would be without them.
    entrants = rng.randrange(1, 4) if world.seed % 4 == 3 else 0
    senders = 3 if world.seed % 8 == 7 else 0
    heirs = rng.randrange(1, 4) if world.takes_over else 0
    late = rng.choice(("close", "close", "append", "renew", "", "")) if world.lease_ms else ""
    return [
        *(actors.late_sign(world, f"l{at}", late) for at in range(4 if late else 0)),
        # A promise does not outlast a take-over, which nobody tells those who made it.
        *(actors.producer(world, f"p{at}") for at in range(0 if heirs else producers)),
        *(actors.heir(world, f"h{at}") for at in range(heirs)),
        *(actors.entrant(world, f"e{at}", rng.randrange(1, 8)) for at in range(entrants)),
        *(actors.sender(world, f"w{at}") for at in range(senders)),
        *(actors.anonymous(world, f"a{at}") for at in range(rng.randrange(3))),
        *(actors.one_shot(world, f"o{at}") for at in range(rng.randrange(6) + crowd)),
        *(actors.one_shot_client(world, f"s{at}") for at in range(rng.randrange(8) + crowd)),
    ]


def _passers_by(world: World) -> list[Coroutine[Any, Any, None]]:
    rng = world.rng
    deleters = rng.randrange(1, 3) if world.kind == "deleting" else 0
    return [
        *(actors.bystander(world, f"b{at}") for at in range(rng.randrange(3))),
        *(actors.opener(world) for _ in range(rng.randrange(3))),
        *(actors.stopper(world) for _ in range(rng.randrange(2))),
        *(actors.deleter(world) for _ in range(deleters)),
        *(actors.Forker(world, f"f{at}")() for at in range(_forkers(world))),
    ]


def _forkers(world: World) -> int:
    """Return how many fork the stream; elsewhere the course stays what it would be without them."""
    return world.rng.randrange(1, 4) if world.seed % 4 == 1 else 0


async def _abandon(world: World) -> None:
    """Leave a leased stream to its readers, who notice that its producers are lost."""
    while (head := world.head()) is not None and head.closed is None and head.lease is not None:
        await asyncio.sleep(1)
    if head is None or head.closed is None:
        await _end(world)


async def _end(world: World) -> None:
    if world.rng.random() < 0.4:
        await actors.completer(world)
    else:
        await actors.closer(world, world.rng.choice(("completed", "failed", "canceled")))


async def check_the_end(world: World, clients: list[actors.ClientWriter]) -> None:
    """Require what must hold once nothing moves any more."""
    log, ledger = world.quiet_log(), world.ledger
    await asyncio.sleep(1)  # what is sealed beside the last appends
    with suppress(ClosedDifferently, RunCompleted, DeletedWithForks):
        await log.close(world.stream, Closed("completed"))
    await _check_forks(world)
    ledger.check_once(world.plan.clients)
    ledger.check_times()
    for chunk in world.refused:
        require(chunk not in ledger.places, f"{chunk!r} was refused as Busy, but it landed")
    if world.starts_anew:
        return
    head = world.head()
    if head is None:
        require(world.stream not in ledger.stream_of.values(), "a stream is gone")
        return
    require(not head.pending, "closing left batches unsealed")
    if world.weather is CALM and not world.abandoned:
        heads = [head for items in world.store.heads.items.values() for head in items.values()]
        known = {name for each in heads for name in objects(each.pending)}
        require(world.store.batches.objects.keys() == known, "batches were left behind")
    page = await log.read(world.stream, 0)
    ledger.check_chunks(page.generation, page.chunks)
    require(len(page.chunks) == head.tail == page.next_index, "the whole stream is not readable")
    require(page.closed is not None, "the stream does not end")
    _check_clients(world, clients)


async def _check_forks(world: World) -> None:
    """Require that each fork can be read to its end, and that what was kept for them goes with the
    last.
    """
    log, store = world.quiet_log(), world.store
    keys = list(store.heads.items.get(actors.FORKS, {}))
    for key in keys:
        page = await log.read(StreamId(actors.FORKS, key))
        world.ledger.check_chunks(page.generation, page.chunks)
        require(page.next_index == page.tail, "not all of a fork can be read")
    for key in keys:
        await log.delete(StreamId(actors.FORKS, key))
    if world.weather is CALM and not world.abandoned:
        require(not _buried(world), "a deletion is not finished")
    for stream in _buried(world):  # where a deletion broke off before it came to that
        await log.delete(stream)
    require(not _buried(world), "a deleted stream is kept for nobody")


def _buried(world: World) -> list[StreamId]:
    items = world.store.heads.items
    return [
        StreamId(run, key) for run in items for key, head in items[run].items() if head.is_buried
    ]


def _check_clients(world: World, clients: list[actors.ClientWriter]) -> None:
    """Require that each client's chunks stand in its order, none left out, all the acknowledged
    ones among them.
    """
    generations = [name for name, at in world.ledger.stream_of.items() if at == world.stream]
    require(len(generations) <= 1, "the stream started anew")
    entries = world.ledger.entries[generations[0]] if generations else []
    sent: dict[str, list[bytes]] = defaultdict(list)
    for entry in entries:
        if entry.client is not None:
            sent[entry.client].append(entry.data)
    for client, chunks in sent.items():
        require(
            chunks == [actors.chunk(client, at) for at in range(len(chunks))],
            f"the chunks of {client} are not in its order",
        )
    for writer in clients:
        require(len(sent[writer.name]) >= writer.acked, f"{writer.name} lost chunks")
