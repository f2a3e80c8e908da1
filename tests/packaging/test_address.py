"""Before they are published, the packages are told where they come from."""

import json
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.tools import ROOT

URL = "https://git.example.com/somebody/runstreams"
WRITTEN = ["pyproject.toml", "README.md", "src/react/package.json", "src/ai/package.json"]


@pytest.fixture
def told(tmp_path: Path) -> Path:
    """A copy of what is written to, after it was."""
    for name in [*WRITTEN, "scripts/address.py"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    subprocess.run([sys.executable, tmp_path / "scripts/address.py", URL, "v1.2.3"], check=True)
    return tmp_path


def test_the_metadata_names_it(told: Path) -> None:
    project = tomllib.loads((told / "pyproject.toml").read_text())["project"]
    assert project["urls"]["Repository"] == URL
    for folder in ("src/react", "src/ai"):
        found = json.loads((told / folder / "package.json").read_text())
        assert found["repository"]["url"] == f"git+{URL}.git"
        assert found["repository"]["directory"] == folder
        assert found["version"]


def test_the_readmes_links_lead_there(told: Path) -> None:
    text = (told / "README.md").read_text()
    assert f"]({URL}/blob/v1.2.3/docs/sdk.md)" in text
    assert f'src="{URL}/raw/v1.2.3/docs/images/' in text
    assert "](docs/" not in text
    assert '="docs/' not in text
