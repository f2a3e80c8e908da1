"""The published clients of trigger.dev, as they come from npm, against a server of ours.

What they do is in the files that node runs; each is one test here, and tells what it said when it
fails. Both versions run side by side, since they mostly wait.
"""

import subprocess
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.caches.serving import PAGES, POLLS, asked, cached
from tests.clients.gateway import gateway
from tests.clients.lab import HERE, Lab, Suite
from tests.emulators.place import fresh_place
from tests.faults.proxy import FaultProxy
from tests.functions.handlers import ENVIRONMENT, FUNCTIONS
from tests.functions.runtime import RuntimeApi, function_process
from tests.tools import ROOT, find

pytestmark = [
    pytest.mark.needs("node"),
    pytest.mark.usefixtures("packages"),
    pytest.mark.timeout(320),
]

VERSIONS = ("4.8.3", "4.4.6")
STREAMS, SAMPLES, HOOK, RESTART, LAMBDA, BOOTSTRAP, CHAOS = (
    f"{name}.test.ts"
    for name in ("streams", "samples", "hook", "restart", "lambda", "bootstrap", "chaos")
)


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


def run(
    opened: ExitStack,
    server: tuple[int, str],
    file: str,
    versions: Iterable[str] = VERSIONS,
    **environ: str,
) -> None:
    """Run *file* with all *versions* at once, each behind a proxy of its own; *server* is a port
    and a secret key.
    """
    port, secret = server
    suites = []
    for version in versions:
        network = opened.enter_context(FaultProxy(port))
        known = {"BASE_URL": network.url, "NETWORK": network.control, "SECRET": secret}
        suite = Suite(file, CLIENT=version, **known, **environ)
        suites.append(opened.enter_context(suite))
    for suite in suites:
        suite.check()


@pytest.mark.parametrize(
    ("file", "versions"),
    [
        (SAMPLES, VERSIONS),
        (STREAMS, VERSIONS[:1]),
        pytest.param(STREAMS, VERSIONS[1:], marks=pytest.mark.soak),
    ],
)
def test_the_clients_work_over_a_network_that_fails(
    file: str, versions: tuple[str, ...], lab: Lab, opened: ExitStack
) -> None:
    run(opened, lab.address, file, versions)


@pytest.mark.soak
@pytest.mark.needs("nginx", "njs")
def test_the_clients_go_past_a_cache_that_gives_pages_to_others(
    opened: ExitStack, tmp_path: Path
) -> None:
    place = opened.enter_context(cached("nginx", tmp_path))
    run(opened, (place.port, place.server.secret), SAMPLES)
    assert asked(place.server, POLLS) > asked(place.server, PAGES) == 0


def test_the_clients_survive_a_server_that_restarts(opened: ExitStack, tmp_path: Path) -> None:
    labs = [opened.enter_context(Lab(tmp_path / version)) for version in VERSIONS]
    suites = [
        opened.enter_context(Suite(RESTART, CLIENT=version, **lab.environ))
        for version, lab in zip(VERSIONS, labs, strict=True)
    ]
    for suite in suites:
        suite.check()


def test_the_hooks_work_in_a_document(lab: Lab, opened: ExitStack) -> None:
    run(opened, lab.address, HOOK, PLACE="jsdom")


@pytest.mark.needs("chromium")
@pytest.mark.parametrize(
    "version", [VERSIONS[0], pytest.param(VERSIONS[1], marks=pytest.mark.soak)]
)
def test_the_hooks_work_in_a_browser_on_another_origin(
    version: str, lab: Lab, opened: ExitStack
) -> None:
    run(
        opened,
        lab.address,
        HOOK,
        [version],
        PLACE="chromium",
        CHROMIUM=str(find("chromium")),
    )


@pytest.mark.soak
@pytest.mark.timeout(700)
@pytest.mark.parametrize("seed", ["1", "2", "3"])
def test_the_clients_survive_anything_at_random(seed: str, lab: Lab, opened: ExitStack) -> None:
    run(opened, lab.address, CHAOS, SEED=seed)


@pytest.mark.soak
def test_the_older_hook_gives_up_in_the_end(lab: Lab, opened: ExitStack) -> None:
    """It asks five times more, whatever it was refused for: that takes 31 seconds."""
    run(opened, lab.address, HOOK, ["4.4.6"], PLACE="jsdom", PATIENT="1")


@pytest.mark.parametrize("how", ["node", "next"])
def test_what_the_documents_tell_to_do_outside_a_worker_works(
    how: str, lab: Lab, opened: ExitStack
) -> None:
    known = {"TRIGGER_API_URL": lab.server.url, "TRIGGER_SECRET_KEY": lab.server.secret}
    opened.enter_context(Suite(BOOTSTRAP, HOW=how, **lab.environ, **known)).check()


@pytest.mark.parametrize("name", ["runstreams.ts", "instrumentation.ts"])
def test_the_documents_tell_what_was_tried(name: str) -> None:
    page = (ROOT / "docs" / "compatibility.md").read_text()
    assert f"```ts\n// {name}\n{(HERE / 'bootstrap' / name).read_text()}```" in page


@pytest.fixture
def functions(opened: ExitStack, quick_aws_endpoint: str, tmp_path: Path) -> dict[str, RuntimeApi]:
    """A process of each function."""
    known = fresh_place(quick_aws_endpoint).environment()
    known["RUNSTREAMS_SECRET_KEY"] = ENVIRONMENT["RUNSTREAMS_SECRET_KEY"]
    found = {}
    for name in FUNCTIONS:
        found[name] = opened.enter_context(RuntimeApi().serving())
        opened.enter_context(function_process(name, found[name], known, tmp_path / "log"))
    return found


def test_the_clients_write_through_the_functions(
    functions: dict[str, RuntimeApi], opened: ExitStack
) -> None:
    port = opened.enter_context(gateway(functions))
    run(opened, (port, ENVIRONMENT["RUNSTREAMS_SECRET_KEY"]), LAMBDA)


def test_the_types_of_the_clients_allow_what_the_tests_do() -> None:
    command = ["node_modules/.bin/tsc", "-p", "."]
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
