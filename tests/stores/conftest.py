"""Every store as one fixture, so that one contract judges them all."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio

from runstreams.core.limits import Limits
from runstreams.core.log import Log
from runstreams.core.model import Appended, Batch, StoredChunk, StreamId
from runstreams.core.ports import Store
from runstreams.stores.memory import MemoryStore
from runstreams.stores.sqlite import SqliteStore
from tests.emulators.fixtures import EMULATORS, PARAMETERS
from tests.emulators.place import aws_store

STORES = [
    "memory",
    "memory-inline",
    "sqlite",
    *PARAMETERS,
    pytest.param("moto-objects", marks=pytest.mark.soak),
    pytest.param("ministack-objects", marks=[pytest.mark.soak, pytest.mark.needs("ministack")]),
]
"""On AWS small batches lie in the head, as they do unless told otherwise, or all are objects."""

START = 1_700_000_000_000


class Kept:
    """A log on one of the stores, whose time is set by hand."""

    def __init__(self, store: Store, limits: Limits, emulated: bool) -> None:
        self.now = START
        self.emulated = emulated
        """Whether requests take an emulator's milliseconds; the soak holds the full numbers."""
        self.store = store
        self.limits = limits
        self.log = self.another()

    @asynccontextmanager
    async def elsewhere(self) -> AsyncIterator[Log]:
        """Open a log as another process has it: in a folder with a connection of its own, which
        notices what the others commit.
        """
        if not isinstance(self.store, SqliteStore):
            yield self.another()
            return
        store = SqliteStore(self.store._place.path.parent, new_id=new_id)
        yield self.another(store=store)
        await store.aclose()

    def another(self, limits: Limits | None = None, store: Store | None = None) -> Log:
        """Return one more log on the same store."""
        return Log(
            store or self.store,
            limits=limits or self.limits,
            clock=lambda: self.now,
            new_id=new_id,
            background=False,
        )

    def keep_as_objects(self) -> None:
        """Let no batch lie in its pointer from now on, so that reading one is a step of its own."""
        self.limits = replace(self.limits, inline_bytes=0)
        self.log = self.another()

    def generation(self, name: str) -> str:
        """Return *name* as that of a generation which this store opens."""
        return f"{self.store.mark}{name}"

    async def append(
        self,
        stream: StreamId,
        *chunks: bytes,
        client: str | None = None,
        number: int = 0,
        once: str | None = None,
    ) -> Appended:
        """Append *chunks* as one batch."""
        return await self.log.append(
            stream, self.batch(*chunks, client=client, number=number, once=once)
        )

    def batch(
        self, *chunks: bytes, client: str | None = None, number: int = 0, once: str | None = None
    ) -> Batch:
        """Return *chunks* as a batch of now."""
        lines = b"".join(chunk + b"\n" for chunk in chunks)
        return Batch(lines, len(chunks), self.now, client, number, once)

    async def everything(self, stream: StreamId, start: int | None = None) -> list[StoredChunk]:
        """Return what a reader gets who takes page after page, small ones."""
        page = await self.log.read(stream, start, most=100)
        chunks = list(page.chunks)
        while page.next_index < page.tail:
            page = await self.log.read(stream, page.next_index, most=1000)
            chunks += page.chunks
        return chunks


def new_id() -> str:
    """Return a name that nobody has seen before."""
    return uuid4().hex


@pytest.fixture(params=STORES)
def store_name(request: pytest.FixtureRequest) -> str:
    """The kind of store; a test that asks for it runs with each."""
    return str(request.param)


@pytest_asyncio.fixture
async def kept(
    store_name: str, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[Kept]:
    """A log on each of the stores in turn."""
    kind, _, how = store_name.partition("-")
    limits = Limits(inline_bytes=0) if how == "objects" else Limits()
    async with opened(store_name, tmp_path, request) as store:
        yield Kept(store, limits, emulated=kind in EMULATORS)


@asynccontextmanager
async def opened(name: str, folder: Path, request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    """Open a fresh store of kind *name*."""
    store: Store
    kind, _, how = name.partition("-")
    if kind == "memory":
        store = MemoryStore(new_id, inlines=how == "inline")
    elif kind == "sqlite":
        store = SqliteStore(folder, new_id=new_id)
    else:
        store = aws_store(request.getfixturevalue(f"{kind}_endpoint"))
    yield store
    await store.aclose()
