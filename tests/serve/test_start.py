"""Starting: what is said, what is made, and what keeps the server from it."""

import os
import signal
import socket
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from runstreams import __version__
from runstreams.core.limits import DAY_MS
from tests.emulators.place import Place

from .process import ServerProcess, run_to_end


@pytest.mark.needs("curl")
def test_the_lines_to_try_work_when_pasted(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "a folder") as server:
        said = server.said_until("Ctrl-C")
        lines = [line for line in said.splitlines() if line.startswith(("  KEY=", "  curl"))]
        script = "\n".join(["set -e", *lines])
        done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    assert '"ok":true' in done.stdout
    assert '"data":"hello"' in done.stdout


def test_the_dashboard_is_where_it_says_and_the_key_is_not_in_its_link(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "data") as server:
        said = server.said_until("Ctrl-C")
        [link] = [line.split()[1] for line in said.splitlines() if line.startswith("  dashboard")]
        answer = server.http.get(link)
    assert (answer.status_code, answer.headers["content-type"][:9]) == (200, "text/html")
    assert server.secret not in said


def test_a_given_key_is_not_printed_and_not_kept(tmp_path: Path) -> None:
    environ = {"RUNSTREAMS_SECRET_KEY": "a-key-of-at-least-sixteen-letters"}
    with ServerProcess(tmp_path / "data", environ=environ) as server:
        said = server.said_until("Ctrl-C")
        assert server.http.get("/api/v1/runs").status_code == 200
    assert environ["RUNSTREAMS_SECRET_KEY"] not in said
    assert "KEY=$RUNSTREAMS_SECRET_KEY" in said
    assert not (tmp_path / "data" / "secret-key").exists()


def test_a_short_key_works_and_gets_one_line(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "data", environ={"RUNSTREAMS_SECRET_KEY": "k"}) as server:
        assert server.http.get("/api/v1/runs").status_code == 200
        server.stop()
        log = server.log()
    assert [line for line in log.splitlines() if "secret key" in line] == log.splitlines()
    assert len(log.splitlines()) == 1


def test_white_space_around_a_given_key_is_no_part_of_it(tmp_path: Path) -> None:
    environ = {"RUNSTREAMS_SECRET_KEY": " a-key-of-sixteen-letters\n"}
    with ServerProcess(tmp_path / "data", environ=environ) as server:
        headers = {"Authorization": "Bearer a-key-of-sixteen-letters"}
        assert httpx.get(f"{server.url}/api/v1/runs", headers=headers).status_code == 200


def test_a_key_that_no_header_can_carry_is_one_line(tmp_path: Path) -> None:
    environ = {"RUNSTREAMS_SECRET_KEY": "a\nb"}
    done = run_to_end("serve", "--data", str(tmp_path / "data"), "--port", "0", environ=environ)
    assert done.returncode == 1
    assert done.stderr.startswith("runstreams: RUNSTREAMS_SECRET_KEY: a secret key is one line")
    assert done.stderr.count("\n") == 1


def test_a_secret_of_a_cache_that_could_be_guessed_is_one_line(tmp_path: Path) -> None:
    environ = {"RUNSTREAMS_ORIGIN_SECRET": "guess-me"}
    done = run_to_end("serve", "--data", str(tmp_path / "data"), "--port", "0", environ=environ)
    reason = "RUNSTREAMS_ORIGIN_SECRET: a secret has at least 16 characters"
    assert (done.returncode, done.stderr) == (1, f"runstreams: {reason}\n")


def test_streams_and_key_are_there_again_after_a_restart(tmp_path: Path) -> None:
    path = "/realtime/v1/streams/run_1"
    with ServerProcess(tmp_path / "data") as server:
        key = server.secret
        server.http.post(f"{path}/self/k/append", content="kept").raise_for_status()
        assert server.stop() == 0
    with ServerProcess(tmp_path / "data") as server:
        assert server.secret == key
        page = server.http.get(f"{path}/k").json()
    assert [chunk["data"] for chunk in page["chunks"]] == ["kept"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_exit_code_0_and_without_a_word(tmp_path: Path, number: int) -> None:
    with ServerProcess(tmp_path / "data") as server:
        assert server.stop(number) == 0
        assert server.log() == ""


def test_two_servers_share_a_folder(tmp_path: Path) -> None:
    path = "/realtime/v1/streams/run_1"
    with ServerProcess(tmp_path / "data") as one:
        one.http.post(f"{path}/self/k/append", content="one").raise_for_status()
        with ServerProcess(tmp_path / "data") as two:
            assert two.secret == one.secret
            two.http.post(f"{path}/self/k/append", content="two").raise_for_status()
            page = one.http.get(f"{path}/k").json()
    assert [chunk["data"] for chunk in page["chunks"]] == ["one", "two"]


def test_a_busy_port_is_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = str(busy.getsockname()[1])
        done = run_to_end("serve", "--port", port, "--data", str(tmp_path / "data"))
    assert done.returncode == 1
    assert done.stderr == f"runstreams: cannot listen on 127.0.0.1:{port}: Address already in use\n"
    assert not (tmp_path / "data").exists()


def test_an_unknown_host_is_one_line(tmp_path: Path) -> None:
    done = run_to_end("serve", "--host", "nowhere.invalid", "--data", str(tmp_path / "data"))
    assert done.returncode == 1
    assert done.stderr.startswith("runstreams: cannot listen on nowhere.invalid:8787: ")
    assert done.stderr.count("\n") == 1


def a_file(data: Path) -> None:
    data.write_text("")


def below_a_file(data: Path) -> None:
    data.parent.rmdir()
    data.parent.write_text("")


def newer(data: Path) -> None:
    with ServerProcess(data) as server:
        server.stop()
    with sqlite3.connect(data / "streams.sqlite") as database:
        database.execute("PRAGMA user_version = 1000")
    database.close()


def another_programs(data: Path) -> None:
    data.mkdir()
    with sqlite3.connect(data / "streams.sqlite") as database:
        database.execute("CREATE TABLE other (column)")
    database.close()


def damaged(data: Path) -> None:
    data.mkdir()
    (data / "streams.sqlite").write_bytes(os.urandom(8192))


@pytest.mark.parametrize("spoil", [a_file, below_a_file, newer, another_programs, damaged])
def test_a_wrong_data_folder_is_one_line(tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    data = tmp_path / "deeper" / "data"
    data.parent.mkdir()
    spoil(data)
    done = run_to_end("serve", "--port", "0", "--data", str(data))
    assert done.returncode == 1
    assert done.stderr.startswith(f"runstreams: cannot use {data} as data folder: ")
    assert done.stderr.count("\n") == 1


def test_a_ready_file_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    ready = tmp_path / "missing" / "ready"
    data = str(tmp_path / "data")
    done = run_to_end("serve", "--port", "0", "--data", data, "--ready-file", str(ready))
    assert done.returncode == 1
    assert done.stderr == f"runstreams: cannot write {ready}: No such file or directory\n"


def test_aws_without_a_bucket_is_one_line(tmp_path: Path) -> None:
    done = run_to_end("serve", "--port", "0", "--aws", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("runstreams: cannot use AWS: RUNSTREAMS_BUCKET is not set")


def test_aws_with_a_switch_that_is_neither_on_nor_off_is_one_line(quick_aws_place: Place) -> None:
    environ = {**quick_aws_place.environment(), "RUNSTREAMS_SPREAD": "of"}
    done = run_to_end("serve", "--port", "0", "--aws", environ=environ)
    assert done.returncode == 1
    assert done.stderr.startswith("runstreams: cannot use AWS: RUNSTREAMS_SPREAD: 'of' is none of")


def test_on_aws_the_limits_are_those_of_the_bucket(tmp_path: Path, quick_aws_place: Place) -> None:
    quick_aws_place.tag({"retention-days": "1"})
    environ = dict(quick_aws_place.environment())
    with ServerProcess(tmp_path / "data", "--aws", environ=environ) as server:
        server.http.post("/realtime/v1/streams/run_1/self/k", content='"x"\n').raise_for_status()
        [found] = server.http.get("/api/v1/runs/run_1/streams").json()["streams"]
    assert found["expires"] - found["last_append"] == DAY_MS


def test_on_aws_a_bucket_that_says_nothing_to_us_is_one_line(
    tmp_path: Path, quick_aws_place: Place
) -> None:
    environ = {**quick_aws_place.environment(), "RUNSTREAMS_BUCKET": "not-there"}
    done = run_to_end("serve", "--port", "0", "--aws", environ=environ, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith(
        "runstreams: cannot see the limits that are written at the bucket"
    )
    assert len(done.stderr.splitlines()) == 1


def test_the_command_says_its_version() -> None:
    assert run_to_end("--version").stdout == f"runstreams {__version__}\n"


def test_without_a_command_help_is_offered() -> None:
    done = run_to_end()
    assert done.returncode == 2
    assert "COMMAND" in done.stderr
