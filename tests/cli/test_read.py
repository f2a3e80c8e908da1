"""`runstreams read`: what is there, what comes, and how it ends."""

import json
import signal
import subprocess

import pytest

from runstreams import Client
from tests.serve.process import clean_environ

from .terminal import COMMAND, Running, run

Environ = dict[str, str]


@pytest.fixture
def filled(client: Client, run_id: str) -> str:
    with client.streams.writer("log", target=run_id) as writer:
        for value in ("one", {"two": 2}, "thrée\nlines", None):
            writer.write(value)
    return run_id


def test_text_is_printed_as_it_is_and_the_rest_as_json(environ: Environ, filled: str) -> None:
    done = run("read", filled, "log", environ=environ)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == 'one\n{"two": 2}\nthrée\nlines\nnull\n'


def test_json_has_all_that_is_known_and_start_counts_from_the_end(
    environ: Environ, filled: str
) -> None:
    done = run("read", filled, "log", "--json", "--start", "-2", environ=environ)
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(each["index"], each["data"]) for each in found] == [(2, "thrée\nlines"), (3, None)]
    assert all({"index", "data", "id", "timestamp"} == set(each) for each in found)


def test_following_prints_each_chunk_as_it_comes_until_the_end(
    client: Client, environ: Environ, filled: str
) -> None:
    with Running("read", filled, "log", "--follow", "--start", "3", environ=environ) as read:
        assert read.line() == "null\n"
        client.streams.append("log", "five", target=filled)
        assert read.line() == "five\n"
        client.streams.close("log", target=filled)
        assert read.end() == (0, "", "")


@pytest.mark.parametrize(("status", "code"), [("failed", 8), ("canceled", 9)])
def test_a_bad_end_is_an_exit_code_after_the_last_chunk(
    client: Client, environ: Environ, run_id: str, status: str, code: int
) -> None:
    client.streams.append("text", target=run_id)
    closed = run("close", run_id, "--status", status, "--error", "out of luck", environ=environ)
    assert (closed.returncode, closed.stdout, closed.stderr) == (0, "", "")
    done = run("read", run_id, "--text", environ=environ)
    assert (done.returncode, done.stdout) == (code, "text")
    assert done.stderr.startswith(f"runstreams: {run_id}/default ")
    assert done.stderr.endswith(f"(stream_{status})\n")


def test_silence_ends_it_when_that_is_asked_for(environ: Environ, filled: str) -> None:
    done = run("read", filled, "log", "-f", "--timeout", "0.1", environ=environ)
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 5)
    assert done.stderr.splitlines() == [
        f"runstreams: {filled}/log is silent: nothing came",
        f"runstreams: go on with: runstreams read {filled} log --follow --start 4",
    ]


def test_a_reader_that_goes_away_ends_it_without_a_word(
    client: Client, environ: Environ, run_id: str
) -> None:
    client.streams.pipe(
        (f"line {number}" for number in range(20_000)), target=run_id
    ).wait_until_complete()
    read = " ".join([*COMMAND, "read", run_id])
    script = f"{read} | head -n 2; echo ${{PIPESTATUS[@]}}"
    done = subprocess.run(
        ["bash", "-c", script],
        capture_output=True,
        text=True,
        timeout=30,
        env=clean_environ() | environ,
    )
    assert done.stdout == "line 0\nline 1\n141 0\n"
    assert done.stderr == ""


def test_ctrl_c_ends_it_at_once(environ: Environ, filled: str) -> None:
    with Running("read", filled, "log", "--follow", environ=environ) as read:
        assert read.line() == "one\n"
        code, output, said = read.end(signal.SIGINT)
    assert code == 130
    assert said.startswith(f"runstreams: go on with: runstreams read {filled} log --follow ")
    rest = run("read", filled, "log", "--start", said.split()[-1], environ=environ).stdout
    # Nothing is left out; what was just being printed may come once more.
    printed, whole = "one\n" + output, 'one\n{"two": 2}\nthrée\nlines\nnull\n'
    assert whole.startswith(printed)
    assert whole.endswith(rest)
    assert len(printed) + len(rest) >= len(whole)


def test_halves_of_characters_are_read_whole_as_text_and_never_end_it(
    environ: Environ, run_id: str
) -> None:
    """As others write them who cut text between the units of JavaScript."""
    for half in ("ok ", r"\ud83d", r"\udc4d", r"\udc4d", " bye"):
        run("append", run_id, "default", "-", "--json", given=f'"{half}"', environ=environ)
    assert run("read", run_id, "--text", environ=environ).stdout == "ok 👍\ufffd bye"
    assert run("read", run_id, environ=environ).stdout == "ok \n\ufffd\n\ufffd\n\ufffd\n bye\n"
    said = run("read", run_id, "--json", environ=environ).stdout.splitlines()
    assert [json.loads(line)["data"] for line in said][1:3] == ["\ud83d", "\udc4d"]


def test_following_what_is_not_there_yet_says_that_it_waits(
    client: Client, environ: Environ, run_id: str
) -> None:
    with Running("read", run_id, "-f", environ=environ) as read:
        assert read.process.stderr is not None
        said = read.process.stderr.readline().decode()
        assert said == f"runstreams: there is no {run_id}/default yet: waiting for it\n"
        client.streams.append("here", target=run_id)
        client.streams.close(target=run_id)
        assert read.end() == (0, "here\n", "")


def test_so_does_following_all_streams_of_a_run(
    client: Client, environ: Environ, run_id: str
) -> None:
    with Running("read", run_id, "--all", "-f", environ=environ) as read:
        assert read.process.stderr is not None
        said = read.process.stderr.readline().decode()
        assert said == f"runstreams: there is no {run_id} yet: waiting for it\n"
        with client.streams.run(run_id):
            client.streams.append("log", "here")
        assert read.end() == (0, "log\there\n", "")


def test_a_timeout_without_following_is_refused(environ: Environ, filled: str) -> None:
    done = run("read", filled, "log", "--timeout", "5", environ=environ)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--follow" in done.stderr


def test_all_streams_of_a_run_are_printed_each_line_with_its_key(
    client: Client, environ: Environ, filled: str
) -> None:
    client.streams.append("answer", "Hi", target=filled)
    done = run("read", filled, "--all", "--from", "log=3", environ=environ)
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(done.stdout.splitlines()) == ["answer\tHi", "log\tnull"]
    done = run("read", filled, "--all", "--json", "--from", "log=3", environ=environ)
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert {(each["key"], each["index"]) for each in found} == {("answer", 0), ("log", 3)}


def test_all_streams_are_followed_until_the_run_is_completed(
    client: Client, environ: Environ, run_id: str
) -> None:
    with Running("read", run_id, "--all", "--follow", environ=environ) as read:
        client.streams.append("log", 1, target=run_id)
        assert read.line() == "log\t1\n"
        client.streams.append("answer", "two", target=run_id)
        assert read.line() == "answer\ttwo\n"
        client.streams.complete(run_id)
        assert read.end() == (0, "", "")


def test_who_interrupts_all_streams_is_told_how_to_go_on(environ: Environ, filled: str) -> None:
    with Running("read", filled, "--all", "-f", environ=environ) as read:
        for line in ("one", '{"two": 2}', "thrée", "lines", "null"):
            assert read.line().rstrip().split("\t")[-1] == line
        _, _, said = read.end(signal.SIGINT)
    assert said == (
        f"runstreams: go on with: runstreams read {filled} --all --follow --from log=4\n"
    )


def test_the_silence_of_all_streams_is_no_end_and_says_how_to_go_on(
    environ: Environ, filled: str
) -> None:
    done = run("read", filled, "--all", "-f", "--timeout", "0.1", environ=environ)
    assert done.returncode == 0
    assert done.stderr.splitlines() == [
        f"runstreams: {filled} is silent: nothing came",
        f"runstreams: go on with: runstreams read {filled} --all --follow --from log=4",
    ]


@pytest.mark.parametrize(
    "words",
    [("log", "--all"), ("--all", "--start", "3"), ("--all", "--text"), ("log", "--from", "log=1")],
)
def test_what_makes_no_sense_with_all_is_refused(
    environ: Environ, run_id: str, words: tuple[str, ...]
) -> None:
    done = run("read", run_id, *words, environ=environ)
    assert (done.returncode, done.stdout) == (2, "")
