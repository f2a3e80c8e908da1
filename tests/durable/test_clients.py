"""The official clients, as they come from npm and PyPI, against a server of ours, with a key; and
our own SDK beside them.
"""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from durable_streams import DurableStream, StreamExistsError, stream

from runstreams import Client
from tests.durable.conftest import HERE
from tests.serve.process import ServerProcess
from tests.tools import find

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def keyed(tmp_path: Path) -> Iterator[ServerProcess]:
    with ServerProcess(tmp_path / "data") as server:
        yield server


@pytest.mark.needs("node")
@pytest.mark.usefixtures("packages")
@pytest.mark.parametrize("package", ["clients", "state", "tanstack"])
def test_a_package_of_npm_writes_and_reads(keyed: ServerProcess, package: str) -> None:
    done = subprocess.run(
        [str(find("node")), "node_modules/vitest/vitest.mjs", "run", f"{package}.test.ts"],
        cwd=HERE,
        env={**os.environ, "SERVED": keyed.url, "SECRET": keyed.secret},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_client_of_pypi_and_our_sdk_share_a_stream(keyed: ServerProcess) -> None:
    url, http = f"{keyed.url}/v1/stream/run_1/words", keyed.http
    theirs = DurableStream.create(url, content_type="application/json", client=http)
    theirs.append({"word": "eins"})
    with Client(keyed.url, keyed.secret) as client:
        client.streams.append("words", {"word": "zwei"}, target="run_1")
        theirs.append({"word": "drei"})
        http.post("/v1/stream/run_1/words", headers={"Stream-Closed": "true"})
        ours = [chunk["word"] for chunk in client.streams.read("run_1", "words")]
    with stream(url, client=http, live=False) as read:
        assert [item["word"] for item in read.read_json()] == ours == ["eins", "zwei", "drei"]
    with pytest.raises(StreamExistsError):
        DurableStream.create(url, content_type="text/plain", client=http)
