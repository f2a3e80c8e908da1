"""The npm package for `useChat`: its own tests, its types, its size, its packing."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.react.building import BLOCK, CHAT_PACKAGE, PACKAGE, TSCONFIG, build, run, tool_of
from tests.react.lab import Lab
from tests.tools import ROOT

pytestmark = [pytest.mark.needs("node"), pytest.mark.timeout(240)]

APP = """
import { RunStreamsChatTransport } from "@runstreams/ai";
import { stopProducer } from "@runstreams/react/reader";
import type { UIMessage } from "ai";

type Message = UIMessage<{ model: string }>;
export const transport = new RunStreamsChatTransport<Message>({ api: "/api/chat", headers: {} });
export const stop = () => stopProducer("run_1", "ui", { baseURL: "" });

// @ts-expect-error: what a transport is made of is known
new RunStreamsChatTransport({ api: 17 });
"""

COMMONJS = """
const { RunStreamsChatTransport } = require("@runstreams/ai");
const { reconnectToStream, sendMessages } = new RunStreamsChatTransport();
if (!reconnectToStream || !sendMessages) throw new Error("something is missing");
"""

DOCUMENTS = [CHAT_PACKAGE / "README.md", ROOT / "docs" / "usechat.md"]


@pytest.fixture(scope="module", autouse=True)
def built() -> None:
    """It reads with the hook's package, which is built for it."""
    build(PACKAGE, CHAT_PACKAGE)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with Lab(tmp_path_factory.mktemp("ai")) as lab:
        yield lab


def test_its_own_tests_pass_with_both_majors(lab: Lab) -> None:
    said = run(tool_of("vitest", CHAT_PACKAGE), "run", folder=CHAT_PACKAGE, **lab.environ)
    assert "ai 6" in said
    assert "ai 7" in said


def test_its_code_is_typed_and_in_its_format() -> None:
    run(tool_of("tsc", CHAT_PACKAGE), folder=CHAT_PACKAGE)
    run(tool_of("prettier", CHAT_PACKAGE), "--check", ".", folder=CHAT_PACKAGE)


def test_its_size_is_known_and_small() -> None:
    """It is printed by `npm run size`, too."""
    assert run("node", "scripts/size.js", folder=CHAT_PACKAGE).count("bytes") == 1


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """A project that has installed it, and the hook's package, as they would be published. Tools,
    React and the AI SDK are found in the folder above.
    """
    (tmp_path / "node_modules").symlink_to(CHAT_PACKAGE / "node_modules")
    app = tmp_path / "app"
    app.mkdir()
    (app / "package.json").write_text('{"private": true, "type": "module"}')
    (app / "tsconfig.json").write_text(TSCONFIG)
    for package in (PACKAGE, CHAT_PACKAGE):
        run("npm", "pack", "--silent", "--pack-destination", str(tmp_path), folder=package)
    packed = sorted(map(str, tmp_path.glob("*.tgz")))
    run("npm", "install", "--offline", "--legacy-peer-deps", *packed, folder=app)
    assert not (app / "node_modules" / "@runstreams" / "ai" / "src").exists()
    return app


@pytest.mark.soak
def test_an_empty_project_installs_it_and_builds(app: Path) -> None:
    """The examples of the documents are part of the project."""
    (app / "app.tsx").write_text(APP)
    examples = [block for path in DOCUMENTS for block in BLOCK.findall(path.read_text())]
    for n, example in enumerate(examples):
        (app / f"example{n}.tsx").write_text(example)
    assert len(examples) == 2
    run(tool_of("tsc", CHAT_PACKAGE), folder=app)
    bundle = ("--bundle", "--format=esm", "--outfile=out.js")
    run(tool_of("esbuild", CHAT_PACKAGE), "app.tsx", *bundle, folder=app)


def test_commonjs_loads_it(app: Path) -> None:
    run("node", "--input-type=commonjs", "--eval", COMMONJS, folder=app)
