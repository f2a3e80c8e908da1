"""The documents: what they tell to type works, settings are described, links lead somewhere."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from runstreams.serve.settings import OPTIONS, Option
from runstreams.testing import Server
from tests.ai.model_server import Model, serving
from tests.docs.blocks import check_output, script
from tests.serve.process import ServerProcess, clean_environ
from tests.tools import ROOT

DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
DOCUMENTS += [ROOT / "examples" / "README.md", *sorted(ROOT.glob("examples/*/README.md"))]

PATH = os.pathsep.join((f"{sys.prefix}/bin", os.environ["PATH"]))
"""With the command `runstreams`, as in the environment that it was installed into."""

LINK = re.compile(r"\]\(([^)#]+)")
VARIABLES = re.compile(r"RUNSTREAMS_[A-Z_]*[A-Z]")
FLAGS = re.compile(r"`(--[a-z-]+)`")
CONFIGURATION = (ROOT / "docs" / "configuration.md").read_text()


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def written(kind: str) -> list[Path]:
    return [path for path in DOCUMENTS if script(path, kind)]


@pytest.mark.needs("curl", "sqlite3")
@pytest.mark.parametrize("path", written("bash"), ids=named)
def test_what_a_document_tells_to_type_works(path: Path, tmp_path: Path) -> None:
    """Its blocks run in one shell, one after another, beside a server that has just started."""
    with ServerProcess(tmp_path / ".runstreams") as server:
        text = script(path, "bash").replace("127.0.0.1:8787", f"127.0.0.1:{server.port}")
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", text],
            capture_output=True,
            text=True,
            timeout=60,
            cwd=tmp_path,
            env=clean_environ() | {"RUNSTREAMS_URL": server.url, "PATH": PATH},
        )
    assert done.returncode == 0, done.stderr
    check_output(text, done.stdout)


@pytest.fixture(scope="module")
def model() -> Iterator[Model]:
    """What stands for the providers of models."""
    with serving() as model:
        yield model


def run_python(path: Path, server: Server, model: Model) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "tests.docs.run_blocks", str(path)],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=ROOT,
        env=clean_environ() | server.environ() | model.environ(),
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("path", written("python"), ids=named)
def test_the_python_of_a_document_works(
    path: Path, runstreams_server: Server, model: Model
) -> None:
    check_output(script(path, "python"), run_python(path, runstreams_server, model))


def test_the_readmes_python_may_be_run_twice(runstreams_server: Server, model: Model) -> None:
    first = run_python(ROOT / "README.md", runstreams_server, model)
    assert run_python(ROOT / "README.md", runstreams_server, model) == first


@pytest.mark.parametrize("path", DOCUMENTS, ids=named)
def test_links_lead_to_files_that_are_there(path: Path) -> None:
    targets = [target for target in LINK.findall(path.read_text()) if "://" not in target]
    assert [target for target in targets if not (path.parent / target).exists()] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=named)
def test_pictures_are_there_and_described(path: Path) -> None:
    text = path.read_text()
    pictures = re.findall(r'<(?:img|source)[^>]* src(?:set)?="([^"]+)"', text)
    assert [each for each in pictures if not (path.parent / each).exists()] == []
    assert all(' alt="' in each for each in re.findall(r"<img[^>]*>", text))


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().split()) <= 700


def test_every_picture_is_shown_somewhere() -> None:
    shown = "".join(path.read_text() for path in DOCUMENTS)
    pictures = [path.name for path in (ROOT / "docs" / "images").iterdir()]
    assert [name for name in pictures if name not in shown] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=named)
def test_names_of_files_are_names_of_files(path: Path) -> None:
    """A path in backquotes that begins with one of our folders exists, in it or beside the page."""
    names = re.findall(
        r"`((?:bench|demo|deploy|docs|events|examples|requirements|scripts|src|tests)/[\w./-]+"
        r"|(?:ai|aws_lambda|cli|core|costs|http|react|sdk|serve|stores)/[\w/-]+\.(?:py|ts))`",
        path.read_text(),
    )
    places = (ROOT, path.parent, ROOT / "src" / "runstreams", ROOT / "src")
    assert [name for name in names if not any((at / name).exists() for at in places)] == []


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_each_setting_is_described_with_its_flag_and_variable(option: Option) -> None:
    flags = f"`{option.flag}`" if option.value else f"`{option.flag}`, `--no-{option.flag[2:]}`"
    assert f"| {flags} | `{option.variable}` |" in CONFIGURATION


def test_each_variable_that_is_read_is_described_and_none_else() -> None:
    sources = [*ROOT.glob("src/**/*.py"), *ROOT.glob("functions/**/*.py"), ROOT / "template.yaml"]
    read = {name for path in sources for name in VARIABLES.findall(path.read_text())}
    read |= {option.variable for option in OPTIONS}
    assert set(VARIABLES.findall(CONFIGURATION)) == read


def test_each_output_of_the_template_is_said_to_go_somewhere_and_none_else() -> None:
    said = (ROOT / "docs" / "deployment.md").read_text()
    outputs = (ROOT / "template.yaml").read_text().partition("\nOutputs:\n")[2]
    table = said.partition("### Which output goes where")[2].partition("\n## ")[0]
    named = set(re.findall(r"`(\w+(?:Url|Name|Command|Arn|Target))`", table))
    assert named == set(re.findall(r"^  (\w+):$", outputs, re.MULTILINE))


def test_no_flag_is_described_that_is_not_there() -> None:
    flags = {option.flag for option in OPTIONS} | {"--help"}
    flags |= {f"--no-{option.flag[2:]}" for option in OPTIONS if option.value is None}
    assert set(FLAGS.findall(CONFIGURATION)) <= flags
