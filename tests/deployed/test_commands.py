"""The commands of the Makefile that run what is deployed, or what it needs, on this machine."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from runstreams import Client
from runstreams.stores.aws import connect
from tests.deployed.backend import ENVIRONMENT
from tests.emulators.place import session
from tests.emulators.process import free_port
from tests.tools import ROOT

pytestmark = [
    pytest.mark.deployed,
    pytest.mark.needs("sam", "ministack"),
    pytest.mark.timeout(400),
]


@contextmanager
def running(*command: str | Path, **environment: str) -> Iterator[str]:
    """Run a command that stays until it is interrupted; yield what it says once it is ready."""
    with subprocess.Popen(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        said = ""
        try:
            while "Ctrl-C" not in said and (line := process.stdout.readline()):
                said += line
            yield said
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 0


def test_make_deployed_says_where_the_api_is_and_leaves_nothing_behind() -> None:
    port = free_port()
    with running("tests.deployed", PORT=str(port)) as said:
        url, key = (re.search(rf"{what} +(\S+)", said) for what in ("API", "secret key"))
        assert url is not None
        assert key is not None
        with Client(url[1], key[1]) as client:
            assert client.streams.append("hello", target="run_1") == 0
            assert list(client.streams.read("run_1", timeout=0)) == ["hello"]
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{port}")


def test_make_invoke_prints_what_the_built_function_answers() -> None:
    event = ROOT / "events" / "health.json"
    command = [sys.executable, "-m", "tests.deployed.invoke", event]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert (answer["statusCode"], json.loads(answer["body"])["status"]) == (200, "ok")
    assert "correlation_id" in done.stderr


def test_make_sam_backend_holds_what_the_environment_file_names(tmp_path: Path) -> None:
    port, given = free_port(), json.loads(ENVIRONMENT.read_text())["Parameters"]
    given["AWS_ENDPOINT_URL"] = f"http://host.docker.internal:{port}"
    copy = tmp_path / "env.json"
    copy.write_text(json.dumps({"Parameters": given}))
    with running("tests.deployed.backend", copy):
        s3, dynamodb = connect(session(), endpoint=f"http://127.0.0.1:{port}")
        s3.head_bucket(Bucket=given["RUNSTREAMS_BUCKET"])
        dynamodb.describe_table(TableName=given["RUNSTREAMS_TABLE"])
        s3.close()
        dynamodb.close()
