"""`make smoke`, against a local server and the doors as the tests know them."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.emulators.place import fresh_place
from tests.functions import stream_door
from tests.functions.handlers import ENVIRONMENT
from tests.functions.stream_door import DOORS, StreamDoor
from tests.serve.process import ServerProcess
from tests.tools import ROOT

KEY = ENVIRONMENT["RUNSTREAMS_SECRET_KEY"]
CHECKS = [
    "answers",
    "small events",
    "empty answers",
    "preflights",
    "refusals",
    "latencies",
    "thaw",
    "resumption",
    "deadline",
]

LAST = rb"{\"data\":9,"
"""What the check sends last."""


def smoke(url: str, *flags: str, key: str = KEY) -> tuple[int, dict[str, tuple[str, str]]]:
    """Return the exit code, and of each check how it went and what was seen."""
    command = [sys.executable, ROOT / "scripts" / "smoke.py", url, key, *flags]
    done = subprocess.run(command, capture_output=True, text=True)
    assert not done.stderr, done.stderr
    found = [re.fullmatch(r"(ok|FAILED) +(.{14}) (.*)", line) for line in done.stdout.splitlines()]
    assert all(found), done.stdout
    return done.returncode, {each[2].strip(): (each[1], each[3]) for each in found if each}


@pytest.fixture(scope="module", params=DOORS)
def door(
    request: pytest.FixtureRequest,
    quick_aws_endpoint: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[StreamDoor]:
    settings = {**fresh_place(quick_aws_endpoint).environment(), "RUNSTREAMS_SECRET_KEY": KEY}
    with request.param(settings, tmp_path_factory.mktemp("door") / "log").open() as found:
        found.environments.prepare(3)
        yield found


def test_a_local_server_is_as_it_should_be(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "data", environ={"RUNSTREAMS_SECRET_KEY": KEY}) as server:
        code, found = smoke(server.url, "--pause", "0", "--samples", "3")
        assert (code, list(found)) == (0, CHECKS), found
        assert {how for how, _ in found.values()} == {"ok"}, found


def test_so_is_each_door(door: StreamDoor) -> None:
    door.seconds = 60
    code, found = smoke(door.url, "--pause", "0", "--samples", "3")
    assert (code, list(found)) == (0, CHECKS), found


@pytest.mark.soak
def test_it_shows_what_becomes_of_a_stream_at_its_deadline(door: StreamDoor) -> None:
    door.seconds = 4
    only = ("--only", "resumption", "--only", "deadline")
    code, found = smoke(door.url, "--deadline", "4", *only)
    assert code == 0, found
    _, seen = found["deadline"]
    assert "last event 'error'" in seen
    assert seen.endswith("ended properly") != door.breaks


def test_a_key_that_is_none_is_told(door: StreamDoor) -> None:
    only = ("--only", "latencies", "--only", "answers")
    code, found = smoke(door.url, *only, key="another")
    assert code == 1
    assert found["answers"][0] == "ok"
    assert found["latencies"][0] == "FAILED"
    assert "401" in found["latencies"][1]


def test_events_that_come_in_bursts_are_told(
    door: StreamDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    send, kept = stream_door._Client.send, list[bytes]()

    def gathering(self: stream_door._Client, piece: bytes) -> None:
        if not piece.startswith(b"event: batch") or b"first" in piece:
            send(self, piece)
            return
        kept.append(piece)
        if LAST in piece:
            for each in kept:
                send(self, each)

    monkeypatch.setattr(stream_door._Client, "send", gathering)
    door.seconds = 60
    code, found = smoke(door.url, "--only", "small events")
    assert (code, found["small events"][0]) == (1, "FAILED"), found
    assert "came together with the one before" in found["small events"][1]


def test_a_refusal_without_cors_is_told(door: StreamDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    begin = stream_door._Client.begin

    def bare(self: stream_door._Client, status: int, headers: list[tuple[str, str]]) -> None:
        begin(self, status, [each for each in headers if not each[0].startswith("access-")])

    monkeypatch.setattr(stream_door._Client, "begin", bare)
    code, found = smoke(door.url, "--only", "refusals", "--only", "preflights")
    assert (code, {how for how, _ in found.values()}) == (1, {"FAILED"})
    assert "no CORS in 401" in found["refusals"][1]
