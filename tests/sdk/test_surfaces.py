"""The public names, and that the sync and the async surface are the same."""

import inspect
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

import runstreams
import runstreams.aio
from runstreams.sdk import aio, sync

NAMES = [
    "AsyncClient",
    "Batching",
    "Chunk",
    "Client",
    "Closed",
    "Defined",
    "Piped",
    "Reader",
    "Retries",
    "Run",
    "RunChunk",
    "RunInfo",
    "RunReader",
    "StreamInfo",
    "Timeouts",
    "Transport",
    "Writer",
    "auth",
    "configure",
    "streams",
]


def test_what_the_package_offers_is_this() -> None:
    assert sorted(runstreams.__all__) == NAMES
    assert {*runstreams.aio.__all__, "Client"} == {*NAMES, "lifespan"}


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_there(name: str) -> None:
    assert getattr(runstreams, name) is not None


def test_other_names_are_not() -> None:
    with pytest.raises(AttributeError, match="nonsense"):
        runstreams.nonsense  # noqa: B018


CLASSES = ["Streams", "Defined", "Piped", "Writer", "RunScope"]


def public(kind: type) -> dict[str, Any]:
    return {
        name: member
        for name, member in inspect.getmembers(kind)
        if not name.startswith("_") and callable(member)
    }


@pytest.mark.parametrize("name", CLASSES)
def test_both_surfaces_have_the_same_calls_with_the_same_parameters(name: str) -> None:
    one, other = public(getattr(sync, name)), public(getattr(aio, name))
    assert one.keys() == other.keys()
    for call in one:
        mine, yours = inspect.signature(one[call]), inspect.signature(other[call])
        assert list(mine.parameters.values()) == [
            parameter.replace(annotation=mine.parameters[parameter.name].annotation)
            for parameter in yours.parameters.values()
        ]


def test_readers_differ_in_how_they_are_closed_only() -> None:
    assert public(sync.Reader).keys() - {"close"} == public(aio.Reader).keys() - {"aclose"}


@pytest.mark.parametrize("surface", [sync, aio])
def test_every_call_says_what_it_does(surface: Any) -> None:
    for name in [*CLASSES, "Reader", "Passing"]:
        kind = getattr(surface, name)
        assert kind.__doc__
        for call, member in public(kind).items():
            assert member.__doc__, (name, call)


def plain() -> None:
    pass


async def coroutine() -> None:
    pass


def generator() -> Iterator[int]:
    yield 0


async def async_generator() -> AsyncIterator[int]:
    yield 0


@pytest.mark.parametrize(
    ("surface", "work", "reason"),
    [
        (sync, coroutine, r"runstreams\.aio"),
        (sync, generator, "generator"),
        (sync, async_generator, "generator"),
        (aio, plain, "sync"),
        (aio, generator, "generator"),
        (aio, async_generator, "generator"),
    ],
)
def test_each_surface_decorates_its_own_kind_of_function(
    surface: Any, work: Any, reason: str
) -> None:
    def connect() -> Any:
        raise AssertionError("nothing is begun")

    with pytest.raises(TypeError, match=reason):
        surface.Streams(connect).run()(work)


def test_help_shows_what_may_be_given() -> None:
    for surface in (aio, sync):
        shown = str(inspect.signature(surface.Streams.pipe))
        assert shown.startswith("(self, key: ")
        assert " source: " in shown
        assert "target: str | None = None, close: bool | None = None, lease: int | None" in shown
        assert str(inspect.signature(surface.Streams.append)).startswith("(self, key: ")
