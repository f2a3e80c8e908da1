"""What goes to npm, installed where there is nothing, with the peers that npm has."""

import json
import tarfile
from pathlib import Path

import pytest

from runstreams import __version__
from tests.react.building import run, tool_of
from tests.release.published import names, one
from tests.tools import ROOT

pytestmark = [pytest.mark.release, pytest.mark.needs("node"), pytest.mark.timeout(300)]

HERE = ROOT / "tests" / "release"
PACKAGES = ["react", "ai"]

TSCONFIG = """
{
  "compilerOptions": {
    "strict": true,
    "module": "nodenext",
    "target": "es2022",
    "lib": ["es2023", "dom", "dom.iterable"],
    "jsx": "react-jsx",
    "skipLibCheck": true,
    "noEmit": true
  }
}
"""

USED = {
    "react": """
import { RunStreamsProvider, useRealtimeRun, useRealtimeStream } from "@runstreams/react";
import { defineStream } from "@runstreams/react/define";
import { StreamReader, stopProducer } from "@runstreams/react/reader";
import { StreamManager, StreamWriter } from "@runstreams/react/writer";

const answer = defineStream<{ text: string }>({ id: "answer" });

export function App({ runId }: { runId: string }) {
  const { parts } = useRealtimeStream(answer, runId);
  const { streams } = useRealtimeRun<string>(runId);
  const all = Object.keys(streams).join(", ");
  return <RunStreamsProvider baseURL="">{parts.map(({ text }) => text) + all}</RunStreamsProvider>;
}

export const made = [
  new StreamReader<string>("run_1", "key"),
  new StreamWriter<string>("run_1", "key", { baseURL: "" }),
  new StreamManager({ baseURL: "" }),
  stopProducer,
];
""",
    "ai": """
import { RunStreamsChatTransport } from "@runstreams/ai";

export const made = new RunStreamsChatTransport({ api: "/api/chat" });
""",
}

LOADED = """
const all = await Promise.all(%s.map((name) => import(`@runstreams/${name}`)));
if (all.some((module) => Object.keys(module).length === 0)) throw new Error("one is empty");
"""

MODULES = {"react": ["react", "react/define", "react/reader", "react/writer"], "ai": ["ai"]}


@pytest.fixture(scope="module", params=PACKAGES)
def name(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture(scope="module")
def project(name: str, dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty project that has installed this one, as one would who has its name from npm."""
    folder = tmp_path_factory.mktemp(name)
    (folder / "package.json").write_text('{"private": true, "type": "module"}')
    (folder / "tsconfig.json").write_text(TSCONFIG)
    (folder / "app.tsx").write_text(USED[name])
    quiet = ["--silent", "--no-audit", "--no-fund", "--ignore-scripts"]
    packages = [packed(name), *beside(name), "typescript@5", "@types/node@20"]
    run("npm", "install", *quiet, *packages, folder=folder)
    return folder


def packed(name: str) -> str:
    """Return the file that is published of *name*."""
    return str(one(f"runstreams-{name}-*.tgz"))


def beside(name: str) -> list[str]:
    """Return what is named beside it. The chat's package has its peer of ours, as npm need not have
    that yet; its other one, `ai`, npm brings, and there is no React.
    """
    return [packed("react")] if name == "ai" else ["react", "@types/react@19"]


def test_it_says_whose_it_is_and_brings_what_is_read_first(name: str) -> None:
    path = one(f"runstreams-{name}-{__version__}.tgz")
    with tarfile.open(path) as archive:
        found = archive.extractfile("package/package.json")
        assert found is not None
        metadata = json.load(found)
    assert metadata["name"] == f"@runstreams/{name}"
    assert metadata["license"] == "MIT"
    assert not metadata.get("private")
    tops = {each.partition("/")[0] for each in names(path)}
    assert tops == {"LICENSE", "README.md", "dist", "package.json"}


def test_publint_finds_nothing(name: str) -> None:
    run(tool_of("publint", HERE), "--strict", packed(name), folder=HERE)


def test_its_types_are_found_by_each_way_of_looking(name: str) -> None:
    run(tool_of("attw", HERE), packed(name), folder=HERE)


def test_node_imports_it(name: str, project: Path) -> None:
    loaded = LOADED % json.dumps(MODULES[name])
    run("node", "--input-type=module", "--eval", loaded, folder=project)


def test_a_program_that_uses_it_is_typed(project: Path) -> None:
    run(tool_of("tsc", project), folder=project)
