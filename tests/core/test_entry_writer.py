"""Entries whose outcome is not known."""

import asyncio
from itertools import count
from typing import NoReturn

import pytest

from runstreams.core.entries import Entry
from runstreams.core.errors import Busy, Uncertain
from runstreams.core.limits import Limits
from runstreams.core.log import Log
from runstreams.core.model import Charter, StreamId
from runstreams.stores.memory import MemoryStore
from tests import virtual_time
from tests.virtual_time import clock

STREAM = StreamId("run", "key")
ENTRY = Entry(b'"a"\n', 1, "application/json")


def test_an_entry_that_may_have_landed_is_never_called_refused() -> None:
    """The answer to its commit is lost, and so is the look that would tell."""
    ids = count()
    new_id = lambda: f"{next(ids):032x}"  # noqa: E731
    store = MemoryStore(new_id)
    log = Log(store, limits=Limits(), clock=clock, new_id=new_id, background=False)
    commit = store.heads.commit

    async def lost(*told: object) -> NoReturn:
        await commit(*told)  # type: ignore[arg-type]
        store.heads.get = busy  # type: ignore[method-assign,assignment]
        raise Uncertain("the answer was lost")

    async def busy(*asked: object, **more: object) -> NoReturn:
        raise Busy("try again")

    async def main() -> None:
        await log.found(STREAM, Charter(content_type="application/json"))
        store.heads.commit = lost  # type: ignore[method-assign,assignment]
        with pytest.raises(Uncertain):
            await log.write(STREAM, ENTRY)
        await asyncio.sleep(0)

    virtual_time.run(main())
