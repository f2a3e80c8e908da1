"""All packages have one version, and the documents name it."""

import json
import re

import pytest

from runstreams import __version__
from tests.tools import ROOT

PACKAGES = ["react", "ai", "dashboard"]


def read(path: str) -> dict[str, object]:
    found: dict[str, object] = json.loads((ROOT / path).read_text())
    return found


@pytest.mark.parametrize("name", PACKAGES)
@pytest.mark.parametrize("file", ["package.json", "package-lock.json"])
def test_the_npm_packages_have_the_version_of_the_python_package(name: str, file: str) -> None:
    assert read(f"src/{name}/{file}")["version"] == __version__


def test_the_chats_package_asks_for_a_hook_of_its_own_version() -> None:
    peers = read("src/ai/package.json")["peerDependencies"]
    assert peers["@runstreams/react"] == f"^{__version__}"


def test_the_documents_name_files_of_this_version() -> None:
    pages = "".join(path.read_text() for path in (ROOT / "docs").glob("*.md"))
    named = re.findall(r"runstreams(?:-react|-ai)?-(\d[\w.]*?)(?:-py3|\.tgz)", pages)
    assert set(named) == {__version__}


def test_the_changelog_has_what_comes_next_or_this_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text()
    assert re.search(rf"^## \[(Unreleased|{re.escape(__version__)})\]", text, re.MULTILINE)
