"""What a server tells a monitoring system: by real servers, asked as Prometheus asks them."""

import asyncio
import os
import re
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.signing import issue_token
from tests.tools import ROOT

from .process import START_SECONDS, ServerProcess, run_to_end
from .wire import Connection, sse
from .workers import until_again, workers_of

PATH = "/realtime/v1/streams/run_1"
READ, APPEND = (
    "/realtime/v1/streams/{run}/{key}",
    "/realtime/v1/streams/{run}/{target}/{key}/append",
)

Figures = dict[tuple[str, frozenset[tuple[str, str]]], float]


def scrape(server: ServerProcess) -> Figures:
    """Return each sample's value by its name and its labels."""
    answer = httpx.get(f"{server.url}/metrics", headers=server.headers).raise_for_status()
    assert answer.headers["content-type"].startswith("text/plain")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def value(figures: Figures, name: str, **labels: str) -> float:
    """Return the value of a figure, 0 where it is not there."""
    return figures.get((f"runstreams_{name}", frozenset(labels.items())), 0)


def until(server: ServerProcess, holds: Callable[[Figures], bool]) -> Figures:
    """Return the figures once something holds of them."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        with suppress(httpx.TransportError):  # of a worker that has just been killed
            if holds(found := scrape(server)):
                return found
        assert time.monotonic() < deadline
        time.sleep(0.05)


def append(server: ServerProcess, count: int, text: str = "hello") -> None:
    for _ in range(count):
        server.http.post(f"{PATH}/self/k/append", content=text).raise_for_status()


def test_appends_chunks_and_bytes_are_counted(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "d") as server:
        append(server, 3)
        once = {"X-Part-Id": "one"}
        for _ in range(2):  # a resend counts nothing
            server.http.post(f"{PATH}/self/k/append", content="hello", headers=once)
        server.http.post(f"{PATH}/self/k", content="1\n22\n").raise_for_status()
        found = scrape(server)
    assert value(found, "appends_total") == 5
    assert value(found, "chunks_total") == 6
    assert value(found, "bytes_total") == 4 * len('"hello"') + 3
    assert value(found, "append_seconds_count") == 6
    assert value(found, "streams_opened_total") == 1
    assert value(found, "store_seconds_count", operation="heads.commit", outcome="ok") >= 4


def test_what_comes_by_the_open_protocol_is_counted_alike(tmp_path: Path) -> None:
    text = {"Content-Type": "text/plain"}
    with ServerProcess(tmp_path / "d") as server:
        for verb in ("PUT", "POST"):
            server.http.request(verb, "/v1/stream/a/b", content="abc", headers=text)
        found = scrape(server)
    assert value(found, "appends_total") == value(found, "chunks_total") == 2
    assert value(found, "bytes_total") > 0


def test_requests_are_told_apart_by_route_method_and_status(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "d") as server:
        append(server, 2)
        server.http.get(f"{PATH}/k").raise_for_status()
        server.http.get(f"{PATH}/nobody-wrote-this", params={"start": 7})
        server.http.get("/api/v1/runs").raise_for_status()
        server.http.request("BREW", "/no/such/place/run_1")
        found = scrape(server)
    assert value(found, "requests_total", route=APPEND, method="POST", status="200") == 2
    assert value(found, "requests_total", route=READ, method="GET", status="200") == 1
    assert value(found, "requests_total", route=READ, method="GET", status="416") == 1
    assert value(found, "requests_total", route="/api/v1/runs", method="GET", status="200") == 1
    assert value(found, "requests_total", route="other", method="other", status="400") == 1
    assert value(found, "request_seconds_count", route=READ) == 2
    assert value(found, "refusals_total", code="index_beyond_tail") == 1
    assert value(found, "sent_bytes_total") > 0


def test_no_run_and_no_key_is_in_a_label(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "d") as server:
        append(server, 1)
        for path in (f"{PATH}/k", "/api/v1/runs/run_1", "/v1/stream/run_1/k", "/run_1", "/k%2f"):
            server.http.get(path)
        told = {name: said for _, labels in scrape(server) for name, said in labels}
        values = {said for _, labels in scrape(server) for _, said in labels}
    assert told.keys() <= {
        *("route", "method", "status", "code", "kind", "waited", "operation", "outcome"),
        *("le", "version", "python", "store"),
    }
    assert not any("run_1" in said or said == "k" for said in values)


async def test_readers_and_how_late_chunks_are_for_them_are_told(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "d") as server:
        append(server, 2)
        reader = await sse(server, f"{PATH}/k")
        poll = asyncio.create_task(poll_once(server))
        await asyncio.to_thread(until, server, lambda found: waiting(found) == (1, 1))
        append(server, 1)
        await reader.until(b"hello")
        await poll
        await reader.close()
        found = await asyncio.to_thread(until, server, lambda found: waiting(found) == (0, 0))
    assert value(found, "delivered_chunks_total", waited="true") == 2
    assert value(found, "delivery_seconds_count") == 2


async def poll_once(server: ServerProcess) -> None:
    async with httpx.AsyncClient(base_url=server.url, headers=server.headers, timeout=60) as http:
        (await http.get(f"{PATH}/k", params={"start": 2, "wait": 20})).raise_for_status()


def waiting(found: Figures) -> tuple[float, float]:
    return value(found, "readers", kind="events"), value(found, "readers", kind="poll")


def test_only_a_key_opens_the_figures(tmp_path: Path) -> None:
    own = {"RUNSTREAMS_METRICS_KEY": "only-for-figures"}
    with ServerProcess(tmp_path / "d", "--anonymous", environ=own) as server:
        figures = f"{server.url}/metrics"
        token = issue_token(server.secret, ["read:runs", "manage:runs"], time.time())

        def asked(path: str, key: str) -> int:
            return httpx.get(path, headers={"Authorization": key}).status_code

        assert httpx.get(figures).status_code == 401
        assert asked(figures, f"Bearer {token}") == 403
        assert asked(figures, "Bearer only-for-figure") == 401
        assert asked(figures, "Basic only-for-figures") == 401
        assert asked(figures, "Bearer") == 401
        assert asked(figures, f"Bearer {server.secret}") == 200
        assert asked(figures, "Bearer only-for-figures") == 200
        assert asked(f"{server.url}/api/v1/runs", "Bearer only-for-figures") == 401


def test_figures_are_of_all_workers_also_of_one_that_was_killed(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "d", "--workers", "4") as server:
        for _ in range(12):  # a connection each: they come to several workers
            httpx.post(
                f"{server.url}{PATH}/self/k/append", content="x", headers=server.headers
            ).raise_for_status()
        until(server, lambda found: value(found, "appends_total") == 12)
        dead = workers_of(server)[0]
        os.kill(dead, signal.SIGKILL)
        until_again(server, 4, dead)
        found = until(server, lambda found: value(found, "workers") == 4)
        assert value(found, "appends_total") == 12
        assert found["process_resident_memory_bytes", frozenset()] > 0
        assert found["process_open_fds", frozenset()] > 4 * 10
        assert server.stop() == 0


async def test_a_reader_of_a_killed_worker_is_none_any_more(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "d", "--workers", "2") as server:
        reader: Connection = await sse(server, f"{PATH}/k")
        await asyncio.to_thread(until, server, lambda found: waiting(found) == (1, 0))
        for worker in workers_of(server):
            os.kill(worker, signal.SIGKILL)
        await reader.rest()
        await reader.close()
        await asyncio.to_thread(until, server, lambda found: waiting(found) == (0, 0))


def test_the_folder_of_the_workers_figures_goes_with_them(tmp_path: Path) -> None:
    place = {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    with ServerProcess(tmp_path / "d", "--workers", "2", environ=place) as server:
        assert list(tmp_path.glob("runstreams-*/*.db"))
        assert server.stop() == 0
        assert not list(tmp_path.glob("runstreams-*"))


def test_a_folder_that_is_not_there_is_said_at_the_start(tmp_path: Path) -> None:
    done = run_to_end(
        *("serve", "--port", "0", "--workers", "2", "--data", str(tmp_path / "d")),
        environ={"PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "nowhere")},
    )
    assert done.returncode == 1
    assert done.stderr.startswith(f"runstreams: the workers' figures cannot lie in {tmp_path}")
    assert done.stderr.count("\n") == 1


def test_every_figure_is_described(tmp_path: Path) -> None:
    described = re.findall(r"`(runstreams_\w+|process_\w+)", (ROOT / "docs/metrics.md").read_text())
    with ServerProcess(tmp_path / "d") as server:
        text = httpx.get(f"{server.url}/metrics", headers=server.headers).text
    assert set(described) >= set(re.findall(r"# TYPE (\w+)", text))
