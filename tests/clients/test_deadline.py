"""The published clients at the doors for event streams, where none lasts for more than 5 s: through
`functions/stream` and its start script.
"""

from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.clients.lab import Suite
from tests.emulators.place import fresh_place
from tests.functions.handlers import ENVIRONMENT
from tests.functions.stream_door import RestDoor, StreamDoor, UrlDoor

SECRET = ENVIRONMENT["RUNSTREAMS_SECRET_KEY"]

NEWEST, *OLDER = VERSIONS = ("4.8.3", "4.5.12", "4.4.6", "4.1.0")

DEADLINES = 3
"""How many deadlines each stream outlasts at least."""

pytestmark = [
    pytest.mark.needs("node"),
    pytest.mark.usefixtures("packages"),
    pytest.mark.timeout(240),
]


@pytest.mark.parametrize(
    ("kind", "versions"),
    [
        (UrlDoor, [NEWEST]),
        pytest.param(RestDoor, VERSIONS, marks=pytest.mark.soak),
    ],
)
def test_the_clients_read_on_whenever_a_deadline_ends_their_event_stream(
    kind: type[StreamDoor], versions: list[str], quick_aws_endpoint: str, tmp_path: Path
) -> None:
    settings = {**fresh_place(quick_aws_endpoint).environment(), "RUNSTREAMS_SECRET_KEY": SECRET}
    with kind(settings, tmp_path / "log").open() as door, ExitStack() as opened:
        door.seconds = 5
        door.environments.prepare(3 * len(versions))
        known = {"BASE_URL": door.url, "SECRET": SECRET}
        suites = [
            opened.enter_context(Suite("deadline.test.ts", CLIENT=version, **known))
            for version in versions
        ]
        for suite in suites:
            suite.check()
    assert door.follows > DEADLINES * len(versions)
    assert "late" not in door.ends


@pytest.mark.parametrize("version", VERSIONS)
def test_an_error_event_does_none_of_the_clients_any_harm(version: str) -> None:
    known = {"BASE_URL": "http://127.0.0.1:9", "SECRET": SECRET}
    with Suite("error_event.test.ts", CLIENT=version, **known) as suite:
        suite.check()
