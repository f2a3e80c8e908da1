"""The page that is checked in is what its source makes, and its source is sound."""

from pathlib import Path

import pytest

from tests.react.building import need_packages, run
from tests.tools import ROOT

SOURCE = ROOT / "src" / "dashboard"
SERVED = ROOT / "src" / "runstreams" / "dashboard"

pytestmark = [pytest.mark.needs("node"), pytest.mark.timeout(240)]


@pytest.fixture(scope="module", autouse=True)
def packages() -> None:
    """What the page is built and tested with."""
    need_packages(SOURCE)


def test_what_is_served_is_what_the_source_makes(tmp_path: Path) -> None:
    """Or `npm run build` in src/dashboard was forgotten, after a change there or in src/react."""
    said = run("node", "scripts/build.js", str(tmp_path), folder=SOURCE)
    assert "bytes" in said
    made = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    served = {path.name: path.read_bytes() for path in SERVED.iterdir()}
    assert sorted(served) == sorted(made)
    assert [name for name in made if made[name] != served[name]] == []


def test_its_parts_pass_their_own_tests() -> None:
    run("node_modules/.bin/vitest", "run", folder=SOURCE)


def test_its_code_is_typed_and_in_its_format() -> None:
    run("npm", "run", "--silent", "check", folder=SOURCE)
