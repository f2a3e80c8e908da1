"""The published clients through `functions/stream` and its start script, at a deadline of 5 s."""

from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.clients.lab import Suite
from tests.clients.test_clients import VERSIONS
from tests.emulators.place import fresh_place
from tests.functions.handlers import ENVIRONMENT
from tests.functions.stream_door import StreamDoor

SECRET = ENVIRONMENT["RUNSTREAMS_SECRET_KEY"]

pytestmark = [pytest.mark.needs("node"), pytest.mark.timeout(240)]


def test_the_clients_read_on_where_a_deadline_broke_their_event_stream(
    quick_aws_endpoint: str, tmp_path: Path
) -> None:
    settings = {**fresh_place(quick_aws_endpoint).environment(), "RUNSTREAMS_SECRET_KEY": SECRET}
    with StreamDoor(settings, tmp_path / "log").open() as door, ExitStack() as opened:
        door.seconds = 5
        door.prepare(2 * len(VERSIONS))
        known = {"BASE_URL": door.url, "SECRET": SECRET}
        suites = [
            opened.enter_context(Suite("deadline.test.ts", CLIENT=version, **known))
            for version in VERSIONS
        ]
        for suite in suites:
            suite.check()
    assert door.ends.count("broken") >= 2 * len(VERSIONS)
    assert "late" not in door.ends
