"""The engine's end, while others begin something in it."""

import asyncio
import threading
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

import pytest

from runstreams.errors import WriterClosed
from runstreams.sdk import lifespan
from runstreams.sdk.engine import engine as module
from runstreams.sdk.engine.engine import Engine
from runstreams.sdk.engine.loops import Forks
from runstreams.sdk.retrying import Retries


class Slow:
    """A way to a server whose connections take as long to close as they may."""

    def __init__(self) -> None:
        self.closing, self.go_on = threading.Event(), threading.Event()

    async def aclose(self) -> None:
        self.closing.set()
        await asyncio.to_thread(self.go_on.wait)


class Meanwhile:
    """Closes an engine in another thread, just before something is begun in it."""

    def __init__(self) -> None:
        self.transport = Slow()
        self.engine = Engine(lambda: self.transport, Retries(), 1)  # type: ignore[arg-type, return-value]
        assert self.engine.transport is self.transport
        assert self.engine.loop.is_running
        self._closing = threading.Thread(target=self.engine.close)

    def before(self, begin: Callable[..., Any]) -> Callable[..., Any]:
        def late(*args: Any) -> Any:
            self._closing.start()
            self.transport.closing.wait(0.5)  # where nobody keeps it from that
            return begin(*args)

        return late

    def end(self) -> None:
        self.transport.go_on.set()
        self._closing.join(10)
        assert not self._closing.is_alive()


async def work() -> None:
    await asyncio.sleep(60)


def submitted(engine: Engine) -> None:
    engine.wait(engine.submit(work()), 10)


def spawned(engine: Engine) -> None:
    over: Future[None] = Future()
    engine.spawn(work(), lambda: over.set_result(None))
    over.result(10)
    raise WriterClosed("it was told that it is over")


@pytest.mark.parametrize(
    ("begin", "patched"),
    [
        (submitted, (asyncio, "run_coroutine_threadsafe")),
        (spawned, (module, "Background")),
    ],
)
def test_what_is_begun_while_the_client_is_closed_is_told_so(
    begin: Callable[[Engine], None],
    patched: tuple[Any, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    meanwhile = Meanwhile()
    monkeypatch.setattr(*patched, meanwhile.before(getattr(*patched)))
    done: Future[None] = Future()

    def caller() -> None:
        try:
            begin(meanwhile.engine)
        except BaseException as error:
            done.set_exception(error)

    calling = threading.Thread(target=caller)
    calling.start()
    meanwhile.transport.closing.wait(5)
    meanwhile.end()
    with pytest.raises(WriterClosed):
        done.result(10)
    calling.join(10)


class Crowded(weakref.WeakSet[Any]):
    """A set that somebody else puts something into just as it is gone through."""

    def __init__(self, there: list[Any], coming: list[Any]) -> None:
        super().__init__(there)
        self._coming = coming

    def __iter__(self) -> Iterator[Any]:
        for one in super().__iter__():
            while self._coming:
                self.add(self._coming.pop())
            yield one


def test_clients_that_begin_meanwhile_keep_no_fork_from_standing_still() -> None:
    there, coming = Forked(), Forked()
    forks = Forks()
    forks._known = Crowded([there], [coming])
    forks._before()
    forks._in_parent()
    assert there.is_held
    assert coming.is_held


class Forked:
    """What may be in use when the process forks."""

    is_held = False

    def hold(self, go_on: threading.Event) -> None:
        self.is_held = True

    def forget_parent(self) -> None:
        pass


async def test_clients_that_begin_meanwhile_do_not_keep_a_server_from_ending_its_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    there, coming = Engine(Slow, Retries(), 1), Engine(Slow, Retries(), 1)  # type: ignore[arg-type]
    monkeypatch.setattr(lifespan, "ENGINES", Crowded([there], [coming]))
    flushed = list[Engine]()
    monkeypatch.setattr(lifespan, "flush_engines", lambda engines, _: flushed.extend(engines))
    async with lifespan.lifespan():
        pass
    assert set(flushed) == {there, coming}
