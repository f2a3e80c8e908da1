"""Real caches, as `deploy` configures them: one request for all, and nobody's page to another."""

import asyncio
import json
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from time import sleep, time
from typing import Any

import httpx
import pytest

from runstreams.aio import AsyncClient
from runstreams.core.limits import WAIT_SECONDS
from tests.caches.load import by_pages, delivered
from tests.caches.measuring import LOADS, SECONDS, reading_token, through
from tests.caches.serving import KINDS, PAGES, POLLS, Cached, Kind, asked, cached
from tests.react.building import PACKAGE, build
from tests.signing import issue_token
from tests.tools import ROOT

pytestmark = pytest.mark.needs("nginx", "njs", "varnishd")

PAGE = "/realtime/v1/pages/run_1/out"
STREAM = "/realtime/v1/streams/run_1"
READERS, APPENDS = 40, 5
KEPT_SECONDS = 60
"""How long a page below the tail is kept."""


@pytest.fixture(scope="module", params=KINDS)
def place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cached]:
    with cached(request.param, tmp_path_factory.mktemp("cached")) as place:
        yield place


@pytest.fixture
def fresh(place: Cached) -> Iterator[Cached]:
    """The place, whose one stream was just begun with two chunks."""
    place.server.http.delete("/api/v1/runs/run_1/streams/out")
    path = "/realtime/v1/streams/run_1/self/out"
    assert place.server.http.post(path, content="1\n2\n").status_code == 200
    yield place
    place.accept(place.server.secret)


def address(place: Cached, start: int = 0, key: str = "out") -> str:
    """Return the address of a stream's page from *start* on."""
    page = place.server.http.get(f"{STREAM}/{key}?wait=0").json()
    generation, _, _ = page["chunks"][0]["id"].rpartition("-")
    return f"{place.url}/realtime/v1/pages/run_1/{key}?generation={generation}&start={start}"


def token(place: Cached, *scopes: str, key: str = "", expires_in: float = 60) -> dict[str, str]:
    signed = issue_token(key or place.server.secret, list(scopes), time(), expires_in)
    return {"Authorization": f"Bearer {signed}"}


def ask(url: str, headers: dict[str, str] | None = None) -> httpx.Response:
    return httpx.get(url, headers=headers or {}, timeout=60)


def test_many_live_readers_are_one_to_the_server(fresh: Cached) -> None:
    fresh.server.http.delete("/api/v1/runs/run_1/streams/out")
    server, before = fresh.server, fresh.origin_requests()
    asking = by_pages(reading_token(server.secret))
    loading = delivered(server.port, server.secret, fresh.port, asking, READERS, APPENDS, 2)
    assert len(asyncio.run(loading).times) == READERS * APPENDS
    assert fresh.origin_requests() - before <= 3 * APPENDS


def test_holders_of_two_tokens_share_a_page(fresh: Cached) -> None:
    url, before = address(fresh), fresh.origin_requests()
    answers = [
        ask(url, token(fresh, scope)) for scope in ("read:runs:run_1", "read:streams:run_1/out")
    ]
    assert [answer.json()["next_index"] for answer in answers] == [2, 2]
    assert answers[0].headers["X-Request-Id"] == answers[1].headers["X-Request-Id"]
    assert fresh.origin_requests() - before == 1


def test_a_page_that_is_kept_is_nobodys_who_may_not_read_it(fresh: Cached) -> None:
    url = address(fresh)
    assert ask(url, token(fresh, "read:runs:run_1")).status_code == 200
    refused = {
        "no token": ask(url),
        "another run's": ask(url, token(fresh, "read:runs:run_2")),
        "to write": ask(url, token(fresh, "write:runs:run_1")),
        "expired": ask(url, token(fresh, "read:runs:run_1", expires_in=-1)),
        "of another key": ask(url, token(fresh, "read:runs:run_1", key="some_other_key")),
    }
    found = {name: answer.status_code for name, answer in refused.items()}
    assert found == dict.fromkeys(refused, 401) | {"another run's": 403, "to write": 403}
    for answer in refused.values():
        assert answer.json()["error"]["code"] in ("unauthenticated", "unauthorized")
        assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_a_token_of_a_key_that_was_rotated_out_opens_nothing(fresh: Cached) -> None:
    url, older = address(fresh), token(fresh, "read:runs:run_1", key="the_key_of_before")
    fresh.accept(fresh.server.secret, "the_key_of_before")
    assert ask(url, older).status_code == 200
    fresh.accept(fresh.server.secret)
    assert ask(url, older).status_code == 401


def test_who_goes_round_the_check_gets_nothing(fresh: Cached) -> None:
    url = address(fresh)
    assert ask(url, token(fresh, "read:runs:run_1")).status_code == 200
    assert ask(url.replace(fresh.url, fresh.server.url)).status_code == 401
    shown = {"X-Stream-Origin-Secret": "guessed-by-somebody"}
    assert ask(url, shown).status_code == 401
    for way in ("/realtime/v1/streams/../pages/run_1/out", "//realtime/v1/pages/run_1/out"):
        assert ask(url.replace(PAGE, way)).status_code >= 400


@pytest.mark.parametrize("place", ["varnish"], indirect=True)
def test_varnish_itself_answers_only_who_has_the_secret(fresh: Cached) -> None:
    url = address(fresh)
    assert ask(url, token(fresh, "read:runs:run_1")).status_code == 200
    around = url.replace(fresh.url, f"http://127.0.0.1:{fresh.varnish_port}")
    assert ask(around, token(fresh, "read:runs:run_1")).status_code == 403


def test_a_page_says_on_its_way_to_a_reader_that_it_is_for_nobody_else(fresh: Cached) -> None:
    for start, status in ((0, 200), (17, 416)):
        answer = ask(address(fresh, start), token(fresh, "read:runs:run_1"))
        found = (answer.status_code, answer.headers["Cache-Control"])
        assert found == (status, "private, no-cache, no-transform")


def test_a_browser_may_ask_from_anywhere(fresh: Cached) -> None:
    headers = {"Origin": "https://app.example.com", "Access-Control-Request-Method": "GET"}
    before = httpx.options(f"{fresh.url}{PAGE}", headers=headers)
    assert before.status_code == 204
    assert before.headers["Access-Control-Allow-Headers"] == "authorization"
    page = ask(address(fresh), token(fresh, "read:runs:run_1") | headers)
    assert page.headers["Access-Control-Allow-Origin"] == "*"


def test_an_event_stream_goes_past_the_cache(fresh: Cached) -> None:
    headers = token(fresh, "read:runs:run_1") | {"Accept": "text/event-stream"}
    url = f"{fresh.url}/realtime/v1/streams/run_1/out"
    with httpx.stream("GET", url, headers=headers, timeout=60) as events:
        assert next(events.iter_lines()) == "event: batch"


def write_on(place: Cached) -> None:
    """Append two chunks, each after a while, and then close."""
    for value in ("3", "4"):
        sleep(0.5)
        place.server.http.post(f"{STREAM}/self/out", content=f"{value}\n")
    sleep(0.5)
    place.server.http.post(f"{STREAM}/out/close")


def test_the_sdks_readers_find_the_pages_by_themselves(fresh: Cached) -> None:
    async def read(client: AsyncClient) -> list[Any]:
        return [value async for value in client.streams.read("run_1", "out")]

    async def main() -> list[list[Any]]:
        signed = reading_token(fresh.server.secret)
        async with AsyncClient(base_url=fresh.url, token=signed) as client:
            reading = [asyncio.create_task(read(client)) for _ in range(10)]
            await asyncio.to_thread(write_on, fresh)
            return await asyncio.gather(*reading)

    before = [asked(fresh.server, route) for route in (PAGES, POLLS)]
    assert asyncio.run(main()) == [[1, 2, 3, 4]] * 10
    pages, polls = (asked(fresh.server, route) for route in (PAGES, POLLS))
    assert 0 < pages - before[0] <= 9
    assert polls - before[1] == 10, "one of its own each, which tells it of the cache"


@pytest.mark.soak
@pytest.mark.needs("node")
@pytest.mark.timeout(240)
def test_the_packages_readers_find_the_pages_by_themselves(fresh: Cached) -> None:
    build(PACKAGE)
    before = [asked(fresh.server, route) for route in (PAGES, POLLS)]
    script = str(ROOT / "tests" / "caches" / "read.mjs")
    command = ["node", script, fresh.url, reading_token(fresh.server.secret), "10"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as node:
        until_asked(fresh, before[1] + 10)
        write_on(fresh)
        found, _ = node.communicate(timeout=60)
    assert json.loads(found) == [[1, 2, 3, 4]] * 10
    pages, polls = (asked(fresh.server, route) for route in (PAGES, POLLS))
    assert 0 < pages - before[0] <= 9
    assert polls - before[1] == 20, "two of its own each: an event stream is refused, a poll tells"


def until_asked(place: Cached, polls: int) -> None:
    """Return once the server was asked so often for what is one reader's alone."""
    while asked(place.server, POLLS) < polls:
        sleep(0.05)


@pytest.mark.soak
def test_in_silence_too_many_readers_are_one_to_the_server(fresh: Cached) -> None:
    """Readers that come within a poll are led to one address after it, and stay together."""
    fresh.server.http.delete("/api/v1/runs/run_1/streams/out")
    server, before = fresh.server, fresh.origin_requests()
    asking = by_pages(reading_token(server.secret))
    loading = delivered(
        server.port, server.secret, fresh.port, asking, READERS, 1, 1, 2.5 * WAIT_SECONDS
    )
    assert len(asyncio.run(loading).times) == READERS
    assert fresh.origin_requests() - before <= 6


ALL_AT_ONCE = 50
SHORT_SECONDS = 5


def whole_page(place: Cached, key: str) -> str:
    """Write more than a page of a stream, and return the address of its first."""
    for _ in range(8):
        body = {"content": "x" * 300_000}
        assert place.server.http.post(f"{STREAM}/self/{key}/append", **body).status_code == 200
    return address(place, key=key)


def short_lived(place: Cached) -> str:
    """Write a closed stream that has few seconds to live, and return the address of its page."""
    told = {"Stream-TTL": str(SHORT_SECONDS), "Stream-Closed": "true"}
    told["Content-Type"] = "application/json"
    made = place.server.http.put("/v1/stream/run_1/short", content="[1]", headers=told)
    assert made.status_code == 201
    return address(place, key="short")


async def asked_by_all(url: str, headers: dict[str, str]) -> list[httpx.Response]:
    limits = httpx.Limits(max_connections=ALL_AT_ONCE)
    async with httpx.AsyncClient(headers=headers, limits=limits, timeout=60) as http:
        return await asyncio.gather(*(http.get(url) for _ in range(ALL_AT_ONCE)))


@pytest.mark.soak
@pytest.mark.timeout(200)
def test_a_kept_page_ends_with_its_chunks_and_after_a_minute_is_made_once(tmp_path: Path) -> None:
    """Varnish asks whether it is another page by now; nginx, which keeps by the minute, anew. One
    whose stream was deleted is given to nobody then.
    """
    with ExitStack() as running:
        places = dict[str, tuple[Cached, dict[str, str], str, str]]()
        for kind in KINDS:
            (tmp_path / kind).mkdir()
            place = running.enter_context(cached(kind, tmp_path / kind))
            reader = {"Authorization": f"Bearer {reading_token(place.server.secret)}"}
            kept, gone = whole_page(place, "kept"), whole_page(place, "gone")
            short = short_lived(place)
            assert [ask(url, reader).status_code for url in (kept, gone, short)] == [200] * 3
            place.server.http.delete("/api/v1/runs/run_1/streams/gone")
            places[kind] = place, reader, kept, gone
            sleep(SHORT_SECONDS + 1)
            assert ask(short, reader).status_code == 410
        sleep(KEPT_SECONDS - SHORT_SECONDS)
        for kind, (place, reader, kept, gone) in places.items():
            before = [asked(place.server, PAGES, status) for status in ("200", "304")]
            answers = asyncio.run(asked_by_all(kept, reader))
            assert {answer.status_code for answer in answers} == {200}
            after = [asked(place.server, PAGES, status) for status in ("200", "304")]
            made = [now - then for now, then in zip(after, before, strict=True)]
            assert (kind, made) == (kind, [1, 0] if kind == "nginx" else [0, 1])
            assert ask(gone, reader).status_code == 410


@pytest.mark.soak
@pytest.mark.timeout(300)
@pytest.mark.parametrize(("readers", "rate"), LOADS)
@pytest.mark.parametrize("kind", KINDS)
def test_thousands_of_readers_have_every_chunk_once_and_in_order(
    kind: Kind, readers: int, rate: int, tmp_path: Path
) -> None:
    found = through(kind, tmp_path, readers, rate, SECONDS)
    assert len(found.load.times) == readers * rate * SECONDS
    assert found.requests <= 3 * rate * SECONDS
