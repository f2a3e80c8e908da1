"""The dashboard for Grafana: each of its queries finds something in what a server tells."""

import json
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from math import isfinite
from pathlib import Path
from threading import Event, Thread
from typing import Any

import httpx
import pytest

from runstreams.serve.metrics.figures import Figures
from tests.tools import ROOT, find

from .process import START_SECONDS, ServerProcess

DASHBOARD = json.loads((ROOT / "deploy" / "grafana" / "runstreams.json").read_text())
QUERIES = [target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", ())]

PATH = "/realtime/v1/streams/run_1"

VARIABLES = {"$job": "runstreams", "$instance": ".*", "$__rate_interval": "5s"}
"""What Grafana puts into a query."""


def figures() -> set[str]:
    """Return the names of all figures that a server has, with those of their samples."""
    known = {metric.name for metric in Figures("sqlite").registry.collect()}
    return {name + end for name in known for end in ("", "_total", "_bucket", "_sum", "_count")}


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_asks_for_figures_that_there_are(query: str) -> None:
    asked = set(re.findall(r"\b(?:runstreams|process)_\w+", query))
    assert asked
    assert {name for name in asked if name.startswith("runstreams_")} <= figures()


def test_each_panel_has_its_place_and_its_number() -> None:
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    places = [tuple(panel["gridPos"].values()) for panel in panels]
    assert len(set(places)) == len(places)
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in panels)


@contextmanager
def prometheus(folder: Path, server: ServerProcess) -> Iterator[httpx.Client]:
    """Run Prometheus, scraping *server* twice a second as the documents say; yield its API."""
    key = folder / "key"
    key.write_text(server.secret)
    (folder / "prometheus.yml").write_text(
        json.dumps(
            {
                "global": {"scrape_interval": "500ms", "scrape_timeout": "500ms"},
                "scrape_configs": [
                    {
                        "job_name": "runstreams",
                        "authorization": {"credentials_file": str(key)},
                        "static_configs": [{"targets": [f"127.0.0.1:{server.port}"]}],
                    }
                ],
            }
        )
    )
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    process = subprocess.Popen(
        [
            *(str(find("prometheus")), f"--config.file={folder / 'prometheus.yml'}"),
            *(f"--storage.tsdb.path={folder / 'db'}", f"--web.listen-address={address}"),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        with httpx.Client(base_url=f"http://{address}", timeout=START_SECONDS) as http:
            yield http
    finally:
        process.kill()
        process.wait()


@contextmanager
def traffic(server: ServerProcess) -> Iterator[None]:
    """Do a little of everything, again and again."""
    over = Event()

    def go_on() -> None:
        number = 0
        while not over.is_set():
            number += 1
            everything(server, number)

    threads = [Thread(target=go_on), Thread(target=wait_for_chunks, args=(server, over))]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


def everything(server: ServerProcess, number: int) -> None:
    lines = "".join(f"{one}\n" for one in range(20))
    for one in range(40):
        server.http.post(f"{PATH}/self/k", content=lines)
        server.http.post(f"{PATH}/self/s{number}-{one}/append", content="hello")
    server.http.get(f"{PATH}/k", params={"start": 0})
    server.http.get(f"{PATH}/k", params={"start": 10**9})
    server.http.post("/api/v1/runs/over/complete")
    server.http.post("/realtime/v1/streams/over/self/k/append", content="too late")


def wait_for_chunks(server: ServerProcess, over: Event) -> None:
    with httpx.Client(base_url=server.url, headers=server.headers, timeout=60) as http:
        index = 0
        while not over.is_set():
            page = http.get(f"{PATH}/k", params={"start": index, "wait": 1}).json()
            index = page["next_index"]


def answer(api: httpx.Client, query: str) -> list[Any]:
    for name, text in VARIABLES.items():
        query = query.replace(name, text)
    said = api.get("/api/v1/query", params={"query": query}).raise_for_status().json()
    assert said["status"] == "success"
    return [float(series["value"][1]) for series in said["data"]["result"]]


def unanswered(api: httpx.Client, queries: list[str]) -> list[str]:
    """Return those of *queries* that find nothing, or no number."""
    found = {query: answer(api, query) for query in queries}
    return [query for query, values in found.items() if not any(map(isfinite, values))]


@pytest.mark.soak
@pytest.mark.needs("prometheus")
@pytest.mark.parametrize("workers", ["1", "2"])
def test_each_query_finds_something_in_real_scrapes(tmp_path: Path, workers: str) -> None:
    with (
        ServerProcess(tmp_path / "d", "--workers", workers) as server,
        prometheus(tmp_path, server) as api,
        traffic(server),
    ):
        deadline = time.monotonic() + START_SECONDS
        left = [*QUERIES]
        while left:
            assert time.monotonic() < deadline, left
            time.sleep(0.5)
            try:
                left = unanswered(api, left)
            except httpx.TransportError:
                continue  # it has not started yet
        assert answer(api, "up") == [1.0]
