"""`runstreams.testing`, as the tests of users have it."""

import asyncio
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from runstreams import Client, auth, streams
from runstreams import aio as runstreams_aio
from runstreams.testing import Server, in_memory, serving
from tests.serve.process import clean_environ

USERS_TESTS = """
import sys
from runstreams import streams
from runstreams.aio import streams as async_streams

def job():
    with streams.run("run_1") as run:
        streams.pipe("answer", (word for word in ("a", "b")))

def test_nothing_is_imported_before_a_fixture_is_used():
    assert "runstreams.testing" not in sys.modules

def test_a_job_streams(runstreams_client):
    job()
    assert list(streams.read("run_1", "answer")) == ["a", "b"]
    assert runstreams_client.streams.describe("run_1", "answer").closed.status == "completed"

def test_each_test_has_streams_of_its_own(runstreams_client):
    assert streams.runs() == []

def test_a_server_is_there_for_other_processes(runstreams_server):
    with runstreams_server.client() as client:
        assert client.streams.append("x", target="run_2") == 0
"""


def test_a_users_tests_run_with_the_plugin(tmp_path: Path) -> None:
    (tmp_path / "test_job.py").write_text(USERS_TESTS)
    options = ["-q", "-W", "error", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:asyncio"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=clean_environ(),
    )
    assert done.returncode == 0, done.stdout
    assert "4 passed" in done.stdout


def test_the_plugin_imports_nothing_heavy() -> None:
    show = "import sys, pytest; import runstreams.pytest_plugin; print(*sys.modules)"
    said = subprocess.check_output([sys.executable, "-c", show], text=True)
    assert not set(said.split()) & {"httpx", "fastapi", "runstreams.sdk", "runstreams.core"}


def test_memory_is_the_default_client_sync_and_async(runstreams_client: Client) -> None:
    async def main() -> None:
        piped = runstreams_aio.streams.pipe(["a"], target="run_1", close=True)
        await piped.wait_until_complete()
        assert [chunk async for chunk in runstreams_aio.streams.read("run_1")] == ["a"]

    asyncio.run(main())
    assert list(runstreams_client.streams.read("run_1")) == ["a"]
    assert auth.create_public_token(read=["run_1"]).count(".") == 2


def test_at_its_end_the_default_client_is_what_it_was() -> None:
    with in_memory() as outer:
        with in_memory():
            streams.append("inner", target="run_1")
        assert streams.list("run_1") == []
        streams.append("outer", target="run_1")
        assert list(outer.streams.read("run_1", timeout=0)) == ["outer"]


def test_memory_holds_to_the_protocol() -> None:
    """Limits, ends and names are those of a server: it is the same core."""
    from runstreams.errors import ChunkTooLarge, InvalidName, StreamClosed

    with in_memory() as client:
        client.streams.close(target="run_1")
        with pytest.raises(StreamClosed):
            client.streams.append("late", target="run_1")
        with pytest.raises(InvalidName):
            client.streams.append("x", target="a/b")
        with pytest.raises(ChunkTooLarge):
            client.streams.append("x" * 2**21, target="run_2")


def test_a_server_has_clients_of_both_kinds(runstreams_server: Server) -> None:
    async def main() -> None:
        async with runstreams_server.async_client() as client:
            await client.streams.append("hello", target="run_both")

    asyncio.run(main())
    with runstreams_server.client() as sync_client:
        assert list(sync_client.streams.read("run_both", timeout=0)) == ["hello"]


def test_a_server_speaks_both_protocols(runstreams_server: Server) -> None:
    told = {"Authorization": f"Bearer {runstreams_server.secret_key}", "Content-Type": "text/plain"}
    url = f"{runstreams_server.url}/v1/stream/notes"
    assert httpx.put(url, headers=told).status_code == 201
    assert httpx.post(url, headers=told, content="hello").status_code == 204
    assert httpx.get(url, headers=told, params={"offset": "-1"}).text == "hello"


def test_a_server_ends_with_its_context_though_somebody_reads() -> None:
    with serving() as server, server.client() as client:
        reader = client.streams.read("run_1")
        client.streams.append("seen", target="run_1")
        assert next(reader) == "seen"
    reader.close()


def test_a_server_for_tests_refuses_what_a_real_one_would(runstreams_server: Server) -> None:
    answer = httpx.get(runstreams_server.url + "/health", headers={"a": "x" * 70_000})
    assert (answer.status_code, answer.json()["error"]["code"]) == (431, "head_too_large")
