"""A store whose calls are counted and timed, by what they do and what became of it."""

from collections.abc import Awaitable, Callable, Container
from time import perf_counter
from typing import Any, cast

from ...core.errors import RunstreamsError
from ...core.ports import Batches, Heads, Opened, Runs, Segments, Store
from .figures import Figures

_PORTS = {"heads": Heads, "runs": Runs, "batches": Batches, "segments": Segments}

_DONE, _BROKEN = "ok", "failed"
"""Outcomes that are no error's code."""

_Call = Callable[..., Awaitable[Any]]
_Seen = dict[str, Callable[[Any], None]]


def measured(store: Store, figures: Figures, unseen: Container[str] = ()) -> Store:
    """Return *store*, the calls of whose ports become *figures*, but for those *unseen*."""
    return cast(Store, _Measured(store, figures, unseen))


class _Measured:
    def __init__(self, store: Store, figures: Figures, unseen: Container[str]) -> None:
        self._store = store
        seen: _Seen = {"heads.open": _opened(figures), "heads.lose": _lost(figures)}
        for name, kind in _PORTS.items():
            port = _Port(getattr(store, name), kind, name, figures, seen, unseen)
            setattr(self, name, port)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


class _Port:
    def __init__(
        self,
        port: object,
        kind: type,
        name: str,
        figures: Figures,
        seen: _Seen,
        unseen: Container[str],
    ) -> None:
        """Time what a port of this *kind* can do; *seen* is told of some of the answers."""
        for verb in (verb for verb in vars(kind) if not verb.startswith("_")):
            operation, call = f"{name}.{verb}", getattr(port, verb)
            timed = call if operation in unseen else _timed(call, operation, figures)
            setattr(self, verb, _told(timed, seen[operation]) if operation in seen else timed)


def _timed(call: _Call, operation: str, figures: Figures) -> _Call:
    times, done = figures.store_seconds, (operation, _DONE)

    async def timed(*args: Any, **kwargs: Any) -> Any:
        began = perf_counter()
        try:
            answer = await call(*args, **kwargs)
        except BaseException as error:
            times[operation, _outcome(error)].add(perf_counter() - began)
            raise
        times[done].add(perf_counter() - began)
        return answer

    return timed


def _outcome(error: BaseException) -> str:
    return error.code if isinstance(error, RunstreamsError) else _BROKEN


def _told(call: _Call, seen: Callable[[Any], None]) -> _Call:
    async def told(*args: Any, **kwargs: Any) -> Any:
        answer = await call(*args, **kwargs)
        seen(answer)
        return answer

    return told


def _opened(figures: Figures) -> Callable[[Opened], None]:
    def opened(answer: Opened) -> None:
        figures.opened.more += answer.done

    return opened


def _lost(figures: Figures) -> Callable[[bool], None]:
    def lost(answer: bool) -> None:
        figures.lost.more += answer

    return lost
