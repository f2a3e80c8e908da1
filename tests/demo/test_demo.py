"""The demo: it passes, it would notice, and interrupted it leaves nothing behind."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from runstreams.demo.checks import check
from runstreams.demo.screen import Screen
from runstreams.demo.story import STEPS, Told
from runstreams.demo.wire import Received, Stream
from tests.tools import ROOT

SENT = {"keeping": ["a ", "b"], "reading": ["c ", "d"]}
SEEN = [
    Received(0, {"by": "keeping", "text": "a "}),
    Received(1, {"by": "reading", "text": "c "}),
    Received(2, {"by": "reading", "text": "d"}),
    Received(3, {"by": "keeping", "text": "b"}),
]


def started(tmp_path: Path) -> "subprocess.Popen[str]":
    """Start the demo in a session of its own, like a terminal's; its files go to *tmp_path*."""
    return subprocess.Popen(
        [sys.executable, "-m", "runstreams", "demo"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"TMPDIR": str(tmp_path)},
        start_new_session=True,
    )


def test_it_ends_with_every_check_passed(tmp_path: Path) -> None:
    with started(tmp_path) as process:
        said, _ = process.communicate(timeout=90)
    assert process.returncode == 0, said
    assert said.count("✔") == 7
    assert "✂" in said
    assert "✘" not in said
    assert list(tmp_path.iterdir()) == []


def test_interrupted_it_leaves_nothing_behind(tmp_path: Path) -> None:
    with started(tmp_path) as process:
        assert process.stdout is not None
        while "progress │" not in process.stdout.readline():
            pass
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=30)
    assert process.returncode == 130
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)


class Replayed:
    """A stream that replays what it is told."""

    def __init__(self, chunks: list[Received]) -> None:
        self._chunks = chunks

    async def pages(self, start: int = 0) -> AsyncIterator[Received]:
        for chunk in self._chunks:
            if chunk.index >= start:
                yield chunk


def told(seen: list[Received], replayed: list[Received], **faults: Any) -> Told:
    steps = [Received(step, {}) for step in range(STEPS)]
    stream = cast(Stream, Replayed(replayed))
    whole = Told(stream, SENT, {"keeping": [], "reading": [1]}, seen, steps)
    return replace(whole, **faults)


def failures(what: Told) -> int:
    screen = Screen()
    asyncio.run(check(what, screen))
    return screen.failed


def test_a_story_without_faults_passes() -> None:
    assert failures(told(SEEN, SEEN)) == 0


@pytest.mark.parametrize(
    "fault",
    [
        told(SEEN[:3], SEEN),
        told([*SEEN, SEEN[3]], SEEN),
        told([SEEN[1], SEEN[0], *SEEN[2:]], SEEN),
        told([SEEN[0], replace(SEEN[2], index=1), replace(SEEN[1], index=2), SEEN[3]], SEEN),
        told(SEEN, SEEN[1:]),
        told(SEEN, SEEN[:3]),
        told(SEEN, SEEN, resumed={"keeping": [], "reading": []}),
        told(SEEN, SEEN, steps=[]),
    ],
    ids=[
        "a chunk is lost",
        "a chunk comes twice",
        "indexes are not in order",
        "a writer's chunks are not in order",
        "the replay lacks the first chunk",
        "the replay lacks the last chunk",
        "the connection did not break",
        "the progress is missing",
    ],
)
def test_a_fault_is_noticed(fault: Told) -> None:
    assert failures(fault) > 0
