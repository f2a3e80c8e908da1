#!/usr/bin/env python3
"""Ask a server, deployed or not, what only itself can show: `make smoke URL=... KEY=...`.

It writes a few streams of a run of its own, reads them as browsers, clients and SDK do, and deletes
the run. What it prints is a table of what was expected and seen; the exit code is 1 where they
differ. It needs httpx and the SDK, and takes as long as the stream timeout that it is told.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import quantiles
from uuid import uuid4

import httpx

from runstreams import Client

EVENTS = {"Accept": "text/event-stream"}
ORIGIN = {"Origin": "https://app.example"}
PAUSE_SECONDS = 0.2
"""Between two chunks: events that come in bursts come closer together, or further apart."""

SMALL = 10
"""Chunks whose coming is watched."""


@dataclass
class Place:
    """Where streams are written and followed, and how patiently."""

    url: str
    stream_url: str
    key: str
    deadline: float
    pause: float
    samples: int
    run: str = field(default_factory=lambda: f"smoke_{uuid4().hex[:12]}")

    def client(self, url: str | None = None) -> httpx.Client:
        """Return a client that shows the key."""
        headers = {"Authorization": f"Bearer {self.key}"}
        return httpx.Client(base_url=url or self.url, headers=headers, timeout=60)

    def stream(self, key: str) -> str:
        """Return the path of a stream."""
        return f"/realtime/v1/streams/{self.run}/{key}"


class Failed(Exception):
    """Something is not as it should be."""


def check(condition: object, seen: str) -> None:
    """Raise `Failed` with what was *seen* unless *condition* holds."""
    if not condition:
        raise Failed(seen)


def append(http: httpx.Client, place: Place, key: str, *chunks: object) -> httpx.Response:
    """Append *chunks*, once whatever happens on the way."""
    body = "".join(json.dumps(chunk) + "\n" for chunk in chunks)
    path = f"/realtime/v1/streams/{place.run}/self/{key}"
    return http.post(path, content=body, headers={"X-Client-Id": uuid4().hex}).raise_for_status()


def events(lines: Iterator[str]) -> Iterator[tuple[str, str]]:
    """Yield the events of an event stream, each by its name with its data."""
    name = ""
    for line in lines:
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, line.removeprefix("data: ")
        elif not line:
            name = ""


def answers(place: Place) -> str:
    """It answers, at both addresses."""
    for url in (place.url, place.stream_url):
        with place.client(url) as http:
            answer = http.get("/health")
            check(answer.status_code == 200, f"{answer.status_code} at {url}")
    return "200"


def small_events(place: Place) -> str:
    """Small events leave at once, one by one."""
    with place.client() as http, place.client(place.stream_url) as following:
        append(http, place, "small", "first")
        with following.stream("GET", place.stream("small"), headers=EVENTS) as answer:
            check(answer.status_code == 200, f"{answer.status_code}")
            found = events(answer.iter_lines())
            next(found)
            with ThreadPoolExecutor() as pool:
                writing = pool.submit(_write_slowly, http, place)
                came = [time.monotonic() for _ in zip(range(SMALL), _batches(found), strict=False)]
                sent = writing.result()
    check(len(came) == SMALL, f"{len(came)} of {SMALL} came before the end")
    late = [one - other for one, other in zip(came, sent, strict=True)]
    gaps = [after - before for before, after in pairwise(came)]
    bursts = sum(gap < PAUSE_SECONDS / 10 for gap in gaps)
    check(bursts <= len(gaps) // 3, f"{bursts} of {len(gaps)} came together with the one before")
    return f"{min(late) * 1000:.0f} to {max(late) * 1000:.0f} ms behind the append"


def _batches(found: Iterator[tuple[str, str]]) -> Iterator[None]:
    """Yield for each chunk as its event comes."""
    for name, data in found:
        if name == "batch":
            yield from [None] * len(json.loads(data)["records"])


def _write_slowly(http: httpx.Client, place: Place) -> list[float]:
    sent = []
    for number in range(SMALL):
        time.sleep(PAUSE_SECONDS)
        sent.append(time.monotonic())
        append(http, place, "small", number)
    return sent


def deadline(place: Place) -> str:
    """An event stream that outlasts the deadline says `event: error`, and is broken off."""
    if not place.deadline:
        return "not asked: give --deadline, the parameter StreamTimeout"
    silence = min(600, round(place.deadline) + 60)
    asked = {**EVENTS, "Timeout-Seconds": f"{silence}"}
    began, last, how = time.monotonic(), "", "ended properly"
    with place.client(place.stream_url) as http:
        http.timeout = httpx.Timeout(60, read=place.deadline + 60)
        try:
            with http.stream("GET", place.stream("silent"), headers=asked) as answer:
                for name, data in events(answer.iter_lines()):
                    last = name or data
        except httpx.TransportError as error:
            how = f"broke: {type(error).__name__}"
    after = time.monotonic() - began
    seen = f"after {after:.0f} s, last event {last!r}, then it {how}"
    check(last == "error", seen)
    return seen


def resumption(place: Place) -> str:
    """A reader reads past deadlines, each chunk once."""
    seconds = place.deadline * 1.2 if place.deadline else 2
    count = max(20, round(seconds))
    with Client(place.stream_url, place.key) as client, ThreadPoolExecutor() as pool:
        reading = pool.submit(lambda: list(client.streams.read(place.run, "long")))
        for number in range(count):
            client.streams.append("long", number, target=place.run)
            time.sleep(seconds / count)
        client.streams.close("long", target=place.run)
        found = reading.result(timeout=120)
    check(found == list(range(count)), f"{len(found)} of {count}: {found[:5]} ... {found[-5:]}")
    return f"{count} chunks in {seconds:.0f} s"


def empty_answers(place: Place) -> str:
    """Answers without a body end: HEAD, and 304."""
    with place.client(place.stream_url) as http:
        began = time.monotonic()
        append(http, place, "head", 1)
        asked = http.head(
            f"/realtime/v1/streams/{place.run}/self/head", headers={"X-Client-Id": "c"}
        )
        check(asked.status_code == 200, f"HEAD: {asked.status_code}")
        page = http.get("/dashboard")
        again = http.get("/dashboard", headers={"If-None-Match": page.headers.get("etag", "")})
        check(again.status_code == 304, f"a page that is known: {again.status_code}")
        return f"200 and 304 in {(time.monotonic() - began) * 1000:.0f} ms"


def preflights(place: Place) -> str:
    """A page may ask: preflights are answered, and name the token's header."""
    asked = {
        **ORIGIN,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,x-client-id",
    }
    for url in (place.url, place.stream_url):
        answer = httpx.options(f"{url}{place.stream('head')}", headers=asked, timeout=60)
        names = answer.headers.get("access-control-allow-headers", "").lower()
        check(
            answer.is_success and "authorization" in names,
            f"{answer.status_code} at {url}: {names}",
        )
        _check_shared(answer, url)
    return f"{answer.status_code}, for {answer.headers.get('access-control-max-age')} s"


def refusals(place: Place) -> str:
    """A page can read what is refused, by whomever: an answer without CORS is a network failure."""
    seen = []
    for url in dict.fromkeys((place.url, place.stream_url)):
        for path in (place.stream("head"), "/realtime/v1/streams/x/y/z/a/b", f"/{'x' * 9000}"):
            answer = httpx.get(f"{url}{path}", headers=ORIGIN, timeout=60)
            check(answer.status_code >= 400, f"{answer.status_code} for a stranger at {path[:40]}")
            _check_shared(answer, f"{url}{path[:40]}")
            seen.append(str(answer.status_code))
    return ", ".join(seen)


def _check_shared(answer: httpx.Response, where: str) -> None:
    allowed = answer.headers.get("access-control-allow-origin")
    check(allowed in ("*", ORIGIN["Origin"]), f"no CORS in {answer.status_code} at {where}")


def thaw(place: Place) -> str:
    """The first append after a pause is stored, once."""
    with place.client() as http:
        append(http, place, "thaw", 0)
        time.sleep(place.pause)
        began = time.monotonic()
        append(http, place, "thaw", 1)
        took = time.monotonic() - began
        page = http.get(place.stream("thaw"), params={"start": 0, "wait": 0}).json()
    found = [chunk["data"] for chunk in page["chunks"]]
    check(found == [0, 1], f"{found}")
    return f"{took * 1000:.0f} ms after {place.pause:.0f} s"


def latencies(place: Place) -> str:
    """Appends and reads, one after the other."""
    took: dict[str, list[float]] = {"append": [], "read": []}
    with place.client() as http:
        for number in range(place.samples):
            at = time.monotonic()
            append(http, place, "timed", number)
            took["append"].append(time.monotonic() - at)
            at = time.monotonic()
            http.get(place.stream("timed"), params={"start": number, "wait": 0}).raise_for_status()
            took["read"].append(time.monotonic() - at)
    cuts = {name: quantiles(times, n=100) for name, times in took.items()}
    return ", ".join(
        f"{name} p50 {cut[49] * 1000:.0f} p99 {cut[98] * 1000:.0f} ms" for name, cut in cuts.items()
    )


CHECKS: dict[str, Callable[[Place], str]] = {
    "answers": answers,
    "small events": small_events,
    "empty answers": empty_answers,
    "preflights": preflights,
    "refusals": refusals,
    "latencies": latencies,
    "thaw": thaw,
    "resumption": resumption,
    "deadline": deadline,
}


def smoke(place: Place, names: list[str], say: Callable[[str], None] = print) -> bool:
    """Do the checks *names*, and *say* what they show; return whether all is as it should be."""
    whole = True
    for name in names:
        try:
            seen, mark = CHECKS[name](place), "ok"
        except Exception as error:
            told = str(error).partition("\n")[0] or type(error).__name__
            seen, mark, whole = told, "FAILED", False
        say(f"{mark:6} {name:14} {seen}")
    with place.client() as http:
        http.delete(f"/api/v1/runs/{place.run}")
    return whole


def main(arguments: list[str]) -> int:
    """Do what the command line says; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("url", help="base address, the output ApiUrl")
    parser.add_argument("key", help="secret key")
    parser.add_argument("--stream-url", help="where event streams are, the output StreamUrl")
    parser.add_argument("--deadline", type=float, default=0, help="the parameter StreamTimeout")
    parser.add_argument("--pause", type=float, default=90, help="seconds before the thaw (90)")
    parser.add_argument("--samples", type=int, default=50, help="appends that are timed (50)")
    parser.add_argument("--only", choices=CHECKS, action="append", help="some of the checks")
    given = parser.parse_args(arguments)
    url = given.url.rstrip("/")
    stream_url = (given.stream_url or url).rstrip("/")
    place = Place(url, stream_url, given.key, given.deadline, given.pause, given.samples)
    return 0 if smoke(place, given.only or list(CHECKS)) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
