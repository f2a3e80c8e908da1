"""One running server as the measurements see it, and how thoroughly they measure it."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import TypeVar

from .load import Asker, Connection, connect
from .wire import Wire

MIB = 1024 * 1024

AnyConnection = TypeVar("AnyConnection", bound=Connection)


@dataclass(frozen=True, slots=True)
class Plan:
    """How long each measurement takes."""

    seconds: float = 3
    deliveries: int = 100
    pause: float = 0.03
    """Between a delivery and the next append, as between two tokens of a model: a hundred pollers
    have asked again by then.
    """
    replay_bytes: int = 50 * MIB


QUICK = Plan(seconds=0.5, deliveries=20, replay_bytes=5 * MIB)


class Target:
    """A server under load."""

    def __init__(self, port: int, wire: Wire, plan: Plan) -> None:
        self.wire = wire
        self.plan = plan
        self.filled: dict[int, tuple[str, int]] = {}
        """Streams written to be replayed, with their length, by the size of their chunks."""
        self._port = port
        self._numbers = count()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._port}"

    async def connect(self, kind: Callable[[], AnyConnection]) -> AnyConnection:
        """Open a connection of some *kind*."""
        return await connect(self._port, kind)

    async def stream(self) -> str:
        """Create a stream and return its name."""
        stream = f"run_{next(self._numbers)}"
        asker = await self.connect(Asker)
        await asker.ask(self.wire.create(stream))
        asker.close()
        return stream
