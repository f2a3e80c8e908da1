"""The npm package: its own tests against a server of ours, its types, its size, its packing."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.react.building import BLOCK, PACKAGE, TSCONFIG, build, need_packages, run, tool_of
from tests.react.lab import Lab
from tests.tools import ROOT

pytestmark = [pytest.mark.needs("node"), pytest.mark.timeout(240)]

APP = """
import { useRealtimeStream, RunStreamsProvider } from "@runstreams/react";
import { StreamReader } from "@runstreams/react/reader";
import { answer } from "./streams.js";

export function App({ runId }: { runId: string }) {
  const { parts } = useRealtimeStream(answer, runId);
  return <RunStreamsProvider baseURL="">{parts.map((part) => part.text)}</RunStreamsProvider>;
}

export const reader = new StreamReader<string>("run_1", "key");

// @ts-expect-error: what a reader is made of is known
new StreamReader<string>(17);
"""

STREAMS = """
import { defineStream } from "@runstreams/react/define";

export const answer = defineStream<{ text: string }>({ id: "answer" });
"""

WITHOUT_REACT = """
import { defineStream } from "@runstreams/react/define";
import { StreamReader } from "@runstreams/react/reader";
import { StreamWriter } from "@runstreams/react/writer";
if (defineStream({ id: "x" }).id !== "x" || !StreamReader || !StreamWriter) process.exit(1);
"""

COMMONJS = """
const hook = require("@runstreams/react");
const { defineStream } = require("@runstreams/react/define");
const reader = require("@runstreams/react/reader");
const { StreamWriter } = require("@runstreams/react/writer");
const { isModuleNamespaceObject } = require("node:util").types;

const known = [hook.useRealtimeStream, hook.RunStreamsProvider, defineStream, StreamWriter];
if (!known.every((one) => typeof one === "function")) throw new Error("something is missing");
if (hook.StreamError !== reader.StreamError) throw new Error("it is there twice");
if (isModuleNamespaceObject(hook)) throw new Error("Node 18 and Jest cannot require that");
new StreamWriter("run_1", "key");
new reader.StreamReader("run_1", "key");
"""

PAGES = ["react", "reload", "stop", "from-trigger-dev"]
DOCUMENTS = [
    PACKAGE / "README.md",
    ROOT / "README.md",
    *(ROOT / "docs" / f"{name}.md" for name in PAGES),
]

NODE10 = """
{
  "extends": "./tsconfig.json",
  "compilerOptions": {"module": "commonjs", "moduleResolution": "node10"},
  "include": ["app.tsx", "streams.ts"]
}
"""


@pytest.fixture(scope="module", autouse=True)
def packages() -> None:
    """What the package's tests and its build need."""
    need_packages(PACKAGE)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with Lab(tmp_path_factory.mktemp("react")) as lab:
        yield lab


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as it would be published."""
    folder = tmp_path_factory.mktemp("packed")
    build(PACKAGE)
    run("npm", "pack", "--silent", "--pack-destination", str(folder))
    (found,) = folder.iterdir()
    return found


def test_its_own_tests_pass(lab: Lab) -> None:
    run(tool_of("vitest"), "run", **lab.environ)


def test_its_code_is_typed_and_in_its_format() -> None:
    run(tool_of("tsc"))
    run(tool_of("prettier"), "--check", ".")


@pytest.fixture
def app(packed: Path, tmp_path: Path) -> Path:
    """A project that has installed it. The tools and React are found in the folder above; of the
    package there is nothing but what was packed.
    """
    (tmp_path / "node_modules").symlink_to(PACKAGE / "node_modules")
    app = tmp_path / "app"
    app.mkdir()
    (app / "package.json").write_text('{"private": true, "type": "module"}')
    (app / "tsconfig.json").write_text(TSCONFIG)
    (app / "app.tsx").write_text(APP)
    (app / "streams.ts").write_text(STREAMS)
    run("npm", "install", "--offline", "--legacy-peer-deps", str(packed), folder=app)
    assert set(os.listdir(app / "node_modules")) == {".package-lock.json", "@runstreams"}
    return app


@pytest.mark.soak
def test_an_empty_project_installs_it_and_builds(app: Path) -> None:
    """The examples of the documents are part of the project."""
    examples = [block for path in DOCUMENTS for block in BLOCK.findall(path.read_text())]
    for n, example in enumerate(examples):
        (app / f"example{n}.tsx").write_text(example)
    assert len(examples) == 13
    run(tool_of("tsc"), folder=app)
    bundle = ("--bundle", "--format=esm", "--external:react", "--outfile=out.js")
    run(tool_of("esbuild"), "app.tsx", *bundle, folder=app)
    run("node", "--input-type=module", "--eval", WITHOUT_REACT, folder=app)


def test_commonjs_loads_it(app: Path) -> None:
    run("node", "--input-type=commonjs", "--eval", COMMONJS, folder=app)


def test_typescript_finds_its_types_also_by_the_old_way_of_looking(app: Path) -> None:
    (app / "package.json").write_text('{"private": true}')
    (app / "node10.json").write_text(NODE10)
    run(tool_of("tsc"), "--project", "node10.json", folder=app)


def test_its_size_is_known_and_small(packed: Path) -> None:
    """It is printed by `npm run size`, too."""
    said = run("node", "scripts/size.js")
    assert said.count("bytes") == 4, said


def test_only_what_needs_react_is_for_clients_only(packed: Path) -> None:
    made = (PACKAGE / "dist").glob("**/*.js")
    with_directive = [path for path in made if '"use client"' in path.read_text()]
    assert sorted(path.parent.name for path in with_directive) == ["cjs", "dist"]
    assert {path.name for path in with_directive} == {"index.js"}
