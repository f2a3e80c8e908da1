"""A store that does everything its contract allows at the worst moment, as a seed decides.

Between any two steps others may run. A call may be refused, its answer may be lost before or after
it took effect, it may take effect late, or the process that made it may die. Answers hold no more
than they must: old pointers and other clients are left out, and a weak read is a moment old.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from runstreams.core.errors import Busy, StoreError, Uncertain
from runstreams.core.model import Head, Sent, StreamId
from runstreams.core.ports import Committed, NotCommitted, Opened, Staged

if TYPE_CHECKING:
    from tests.simulation.world import Version, World

READS = {"get", "names", "generations", "spilled", "streams", "forks", "recent"}
"""Calls that change nothing, so that neither a late effect nor a lost one can be told apart."""

NEVER_LATE = {"heads.delete", "runs.delete"}
"""What its caller repeats until it is acknowledged, so that a late one would undo what came after
the acknowledgement, in any system.
"""


class UnknownForm(StoreError):
    """A head is of a form that the process does not know, so it has changed nothing."""


@dataclass(frozen=True, slots=True)
class Weather:
    """How often things go wrong; each number is a probability a call."""

    refused: float = 0
    lost: float = 0
    unheard: float = 0
    late: float = 0
    dying: float = 0
    slow: float = 0


CALM = Weather()
WINDY = Weather(0.01, 0.005, 0.01, 0.005, 0.004, 0.02)
STORMY = Weather(0.04, 0.02, 0.05, 0.02, 0.02, 0.01)


class ChaoticStore:
    """One process's view of the world's store."""

    changes = None

    def __init__(self, process: "Process") -> None:
        store = process.world.store
        self.plan, self.mark, self.window = store.plan, store.mark, store.window
        self.heads = _Port("heads", process)
        self.runs = _Port("runs", process)
        self.batches = _Port("batches", process)
        self.segments = _Port("segments", process)

    async def aclose(self) -> None:
        """The world's store stays."""


class _Port:
    """A port whose every call goes through the process's troubles."""

    def __init__(self, name: str, process: "Process") -> None:
        self._name, self._process = name, process

    def __getattr__(self, method: str) -> Callable[..., Awaitable[Any]]:
        return partial(self._process.call, self._name, method)


class Process:
    """Something that runs a `Log` and may die between any two steps."""

    def __init__(self, world: "World", name: str, skew: int, version: "Version") -> None:
        self.world = world
        self.name = name
        self.skew = skew
        self.version = version
        self.death: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def clock(self) -> int:
        """Return the time by this process's clock."""
        return self.world.now() + self.skew

    async def call(self, port: str, method: str, /, *args: Any, **kwargs: Any) -> Any:
        """Call the world's store, for better or worse."""
        name, world = f"{port}.{method}", self.world
        await self._pause()
        if port == "heads":
            self._refuse_what_it_does_not_know(method, *args)
        fate = self._fate(name, reading=method in READS)
        world.note(self.name, name, fate or "", *args)
        effect = partial(world.effect, port, method, args, kwargs)
        if fate == "refused":
            raise Busy(f"{name} was refused")
        if fate in ("lost", "late"):
            if fate == "late":
                world.later(effect)
            raise Uncertain(f"the answer to {name} was lost")
        if fate == "dying" and world.rng.random() < 0.5:
            await self._die()
        answer = await effect()
        if fate == "dying":
            await self._die()
        await self._pause()
        if fate == "unheard":
            raise Uncertain(f"the answer to {name} was lost")
        return self._sparing(answer, args, kwargs)

    def _refuse_what_it_does_not_know(
        self, method: str, of: StreamId | str, what: object = None, *_: object
    ) -> None:
        """As a store of a version before does, where a stream's head has a form of a later one."""
        run = of if isinstance(of, str) else of.run
        heads = self.world.store.heads.items.get(run, {})
        looked_at = heads.values() if isinstance(of, str) else [heads.get(of.key)]
        if self.version != "before":
            return
        inlined = any(head and head.inlined is not None for head in looked_at)
        # Where none lets batches lie in heads, nobody is of this version.
        fenced = method == "take_over" or any(head and _is_fenced(head) for head in looked_at)
        fenced = fenced or (isinstance(what, Staged) and what.batch.supersedes is not None)
        if inlined or (fenced and self.world.inline_bytes):
            self.world.abandoned = True  # what was put for it stays behind
            raise UnknownForm("an item has a later format than this version reads")

    async def _pause(self) -> None:
        rng = self.world.rng
        for _ in range(rng.randrange(4)):
            await asyncio.sleep(0)
        if (roll := rng.random()) < 0.1:
            await asyncio.sleep(rng.randrange(5) * 0.01)
        elif roll < 0.1 + self.world.weather.slow:
            await asyncio.sleep(rng.random() * 3)
        if self.death.done():
            await self._never()

    async def _die(self) -> None:
        if not self.death.done():
            self.death.set_result(None)
        await self._never()

    async def _never(self) -> None:
        """What a dead process does next; at the world's end even that is over."""
        if self.world.over:
            raise asyncio.CancelledError
        await asyncio.get_running_loop().create_future()

    def _fate(self, name: str, reading: bool) -> str | None:
        weather, rng = self.world.weather, self.world.rng
        if weather is CALM:
            return None
        at = rng.random()
        for fate in ("refused", "lost", "unheard", "late", "dying"):
            at -= getattr(weather, fate)
            if at < 0:
                if (reading or name in NEVER_LATE) and fate == "late":
                    return "refused"
                return fate
        return None

    def _sparing(self, answer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if isinstance(answer, Committed):
            if self.world.inline_bytes and self.world.inlining.random() < 0.5:
                return answer
            return Committed(answer.first, _newest_pointer_only(answer.head))
        if isinstance(answer, NotCommitted) and answer.head is not None:
            return NotCommitted(replace(answer.head, clients=_of(args[1], answer.head)))
        if isinstance(answer, Opened):
            return answer._replace(head=replace(answer.head, clients=_of(args[4], answer.head)))
        if isinstance(answer, Head) and "since" in kwargs:
            since = kwargs["since"]
            newest = answer.pending[-1:]
            kept = tuple(pointer for pointer in answer.pending if pointer.end > since)
            return replace(answer, pending=kept or newest)
        return answer


def _is_fenced(head: Head) -> bool:
    return head.fence is not None or bool(head.superseded)


def _of(staged: Staged | None, head: Head) -> dict[str, Sent]:
    """Return what *head* knows of the client of *staged*."""
    client = staged.batch.client if staged else None
    return {name: sent for name, sent in head.clients.items() if name == client}


def _newest_pointer_only(head: Head) -> Head:
    return replace(head, pending=head.pending[-1:], clients={}, once={})
