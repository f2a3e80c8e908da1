"""`runstreams pipe`: standard input, as it comes, and what interrupts it."""

import signal
import subprocess
import time
from pathlib import Path

import pytest

from runstreams import Client
from tests.serve.process import ServerProcess

from .terminal import Running, on_a_terminal, run

Environ = dict[str, str]


def chunks(client: Client, run_id: str) -> list[object]:
    return list(client.streams.read(run_id, timeout=0, strict=False))


def state(client: Client, run_id: str) -> str | None:
    closed = client.streams.describe(run_id).closed
    return closed.status if closed else None


def test_each_line_is_a_chunk_of_text(client: Client, environ: Environ, run_id: str) -> None:
    done = run("pipe", run_id, given="one\n\n é two \nthree", environ=environ)
    assert (done.returncode, done.stdout, done.stderr) == (0, "3\n", "")
    assert chunks(client, run_id) == ["one", "", " é two ", "three"]
    assert state(client, run_id) is None


def test_lines_of_json_are_values_and_close_ends_the_stream(
    client: Client, environ: Environ, run_id: str
) -> None:
    given = '{"a": [1, 2.5, null]}\n\n"text"\n'
    done = run("pipe", run_id, "--json", "--close", given=given, environ=environ)
    assert (done.returncode, done.stdout) == (0, "1\n")
    assert chunks(client, run_id) == [{"a": [1, 2.5, None]}, "text"]
    assert state(client, run_id) == "completed"


@pytest.mark.parametrize(
    ("options", "expected"),
    [([], ["one", "", "two"]), (["--json"], [1, {"a": "b"}]), (["--text"], ["text\r\n"])],
)
def test_input_as_windows_writes_it_is_understood(
    client: Client, environ: Environ, run_id: str, options: list[str], expected: list[object]
) -> None:
    """With a byte order mark before it, and returns at the ends of its lines."""
    given = {"--json": '1\r\n{"a": "b"}\r\n', "--text": "text\r\n"}
    text = given[options[0]] if options else "one\r\n\r\ntwo"
    done = run("pipe", run_id, *options, given=text.encode("utf-8-sig"), environ=environ)
    assert (done.returncode, done.stderr) == (0, "")
    assert chunks(client, run_id) == expected


def test_raw_text_arrives_as_it_comes_whole_characters_only(
    client: Client, environ: Environ, run_id: str
) -> None:
    with (
        Running("pipe", run_id, "key", "--text", environ=environ) as pipe,
        client.streams.read(run_id, "key") as reader,
    ):
        pipe.give("no newline é".encode()[:-1])
        assert next(reader) == "no newline "
        pipe.give("é".encode()[-1:])
        assert next(reader) == "é"
        pipe.shut()
        assert pipe.end() == (0, "1\n", "")


@pytest.mark.parametrize(
    ("given", "options", "said"),
    [
        (b"fine\n\xff\n", [], "line 2 is not UTF-8"),
        (b'"fine"\n{"torn": \n', ["--json"], "line 2: a chunk is not a JSON value"),
        (b'"fine"\n\xef\xbb\xbf1\n', ["--json"], "line 2: a chunk begins with a byte order mark"),
        (b"fine\n" + b"x" * 2**21, [], "line 2 is longer than the 1048576 bytes of a chunk"),
    ],
    ids=["no text", "no JSON", "a mark", "too long"],
)
def test_bad_input_is_named_and_fails_the_stream_after_what_came_before(
    client: Client, environ: Environ, run_id: str, given: bytes, options: list[str], said: str
) -> None:
    done = run("pipe", run_id, *options, given=given, environ=environ)
    assert done.returncode == 2
    assert done.stderr.startswith(f"runstreams: {said}")
    assert done.stderr.endswith(("(invalid_chunk)\n", "(chunk_too_large)\n"))
    assert chunks(client, run_id) == ["fine"]
    assert state(client, run_id) == "failed"


def test_a_closed_stream_ends_it_while_its_input_is_still_open(
    client: Client, environ: Environ, run_id: str
) -> None:
    client.streams.close(target=run_id)
    with Running("pipe", run_id, environ=environ) as pipe:
        pipe.give(b"too late\n")
        code, output, said = pipe.end()
    assert (code, output) == (6, "")
    assert said.startswith(f"runstreams: {run_id}/default: the stream is closed: completed: use ")
    assert said.endswith("(stream_closed)\n")


def test_a_pipe_that_takes_over_keeps_out_the_one_before(
    client: Client, environ: Environ, run_id: str
) -> None:
    with (
        Running("pipe", run_id, environ=environ) as old,
        client.streams.read(run_id) as reader,
    ):
        old.give(b"before\n")
        assert next(reader) == "before"
        done = run("pipe", run_id, "--take-over", given="after\n", environ=environ)
        assert (done.returncode, done.stdout, done.stderr) == (0, "1\n", "")
        old.give(b"late\n")
        code, output, said = old.end()
    assert (code, output) == (6, "")
    assert said.endswith("leave the stream and its run alone (fenced_off)\n")
    assert chunks(client, run_id) == ["before", "after"]


def test_a_pipe_that_takes_over_may_replace_what_is_stored(
    client: Client, environ: Environ, run_id: str
) -> None:
    for chunk in ("As", "it was"):
        client.streams.append(chunk, target=run_id)
    with Running("read", run_id, "--follow", environ=environ) as reader:
        assert [reader.line(), reader.line()] == ["As\n", "it was\n"]
        how = ("--take-over", "--supersede", "1", "--close")
        done = run("pipe", run_id, *how, given="it is\n", environ=environ)
        assert (done.returncode, done.stdout, done.stderr) == (0, "2\n", "")
        code, output, said = reader.end()
    assert (code, output) == (0, "it is\n")
    assert "the chunks of default from index 1 on no longer count" in said
    assert chunks(client, run_id) == ["As", "it is"]


def test_only_who_takes_over_replaces_what_is_stored(environ: Environ, run_id: str) -> None:
    done = run("pipe", run_id, "--supersede", "0", given="x\n", environ=environ)
    assert done.returncode == 2
    assert "give --take-over, too" in done.stderr


AGAIN = "runstreams pipe {} default"

CANCELED = (
    "runstreams: {}/default is closed as canceled; with --no-close it stays open, to be gone on "
    "with\n"
)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["Ctrl-C", "SIGTERM"]
)
def test_interrupted_it_sends_whole_lines_and_cancels(
    client: Client, environ: Environ, run_id: str, number: int, code: int
) -> None:
    with (
        Running("pipe", run_id, environ=environ) as pipe,
        client.streams.read(run_id, strict=False) as reader,
    ):
        pipe.give(b"whole\n")
        assert next(reader) == "whole"
        pipe.give(b"torn")
        assert pipe.end(number) == (code, "0\n", CANCELED.format(run_id))
        assert list(reader) == []
    assert chunks(client, run_id) == ["whole"]
    assert state(client, run_id) == "canceled"


def test_interrupted_with_no_close_it_can_be_gone_on_with(
    client: Client, environ: Environ, run_id: str
) -> None:
    with Running("pipe", run_id, "--no-close", environ=environ) as pipe:
        pipe.give(b"one\n")
        assert next(client.streams.read(run_id)) == "one"
        _, _, said = pipe.end(signal.SIGINT)
    assert said == f"runstreams: {run_id}/default is open: {AGAIN.format(run_id)} goes on with it\n"
    assert run("pipe", run_id, given="two", environ=environ).stdout == "1\n"


def test_interrupted_in_full_swing_it_has_sent_a_beginning_without_gaps(
    client: Client, environ: Environ, run_id: str
) -> None:
    with (
        subprocess.Popen(["seq", "0", "100000000"], stdout=subprocess.PIPE) as source,
        Running("pipe", run_id, environ=environ, given=source.stdout) as pipe,
        client.streams.read(run_id, strict=False) as reader,
    ):
        assert source.stdout is not None
        source.stdout.close()
        seen = [next(reader) for _ in range(5_000)]
        code, output, said = pipe.end(signal.SIGINT)
        seen += reader
    assert (code, said) == (130, CANCELED.format(run_id))
    assert seen == [str(number) for number in range(int(output) + 1)]
    assert state(client, run_id) == "canceled"


def test_readers_that_ask_it_to_stop_end_it(client: Client, environ: Environ, run_id: str) -> None:
    with (
        Running("pipe", run_id, environ=environ) as pipe,
        client.streams.read(run_id, strict=False) as reader,
    ):
        pipe.give(b"one\n")
        assert next(reader) == "one"
        client.streams.stop(run_id)
        pipe.give(b"two\n")
        code, output, said = pipe.end()
        assert (code, output) == (9, "1\n")
        assert said == "runstreams: readers have asked to stop (stop_requested)\n"
        assert list(reader) == ["two"]
    assert state(client, run_id) == "canceled"


def test_a_server_that_is_killed_and_comes_back_gets_every_line_once(
    tmp_path: Path, run_id: str
) -> None:
    with ServerProcess(tmp_path / "data") as server:
        environ = {"RUNSTREAMS_URL": server.url, "RUNSTREAMS_SECRET_KEY": server.secret}
        port = server.port
        with (
            Running("pipe", run_id, environ=environ) as pipe,
            Running("read", run_id, "--follow", environ=environ) as read,
        ):
            pipe.give(b"before\n")
            assert read.line() == "before\n"
            server.kill()
            pipe.give(b"meanwhile\n")
            assert pipe.process.stderr is not None
            assert b" cannot be reached: " in pipe.process.stderr.readline()
            with ServerProcess(tmp_path / "data", port=port) as again:
                assert read.line() == "meanwhile\n"
                pipe.give(b"after\n")
                pipe.shut()
                assert pipe.end()[:2] == (0, "2\n")
                again.http.post(f"/realtime/v1/streams/{run_id}/default/close").raise_for_status()
                assert read.end()[:2] == (0, "after\n")


def test_a_terminal_shows_how_far_it_has_come(environ: Environ, run_id: str) -> None:
    shown = on_a_terminal("pipe", run_id, given=b"a\nb\n", environ=environ)
    assert shown.splitlines()[-1].endswith(f"{run_id}/default: 2 chunks, 4 bytes")


def test_input_that_outruns_the_server_is_sent_whole_and_in_order(
    client: Client, environ: Environ, run_id: str
) -> None:
    lines = [str(number) for number in range(12_000)]
    done = run("pipe", run_id, given="\n".join(lines), environ=environ)
    assert (done.returncode, done.stdout) == (0, "11999\n")
    assert chunks(client, run_id) == lines


def test_without_a_server_a_second_interrupt_ends_it_at_once(run_id: str) -> None:
    nowhere = {"RUNSTREAMS_URL": "http://127.0.0.1:9", "RUNSTREAMS_SECRET_KEY": "x"}
    with Running("pipe", run_id, environ=nowhere) as pipe:
        pipe.give(b"one\n")
        assert pipe.process.stderr is not None
        assert b" cannot be reached: " in pipe.process.stderr.readline()
        while pipe.process.poll() is None:  # two signals at once count as one
            pipe.process.send_signal(signal.SIGINT)
            time.sleep(0.2)
        code, output, said = pipe.end()
    # A third signal may meet a process that has said it already, and is about to end.
    assert (code in (130, -signal.SIGINT), output) == (True, "")
    assert "runstreams: ended before everything was sent\n" in said


def test_readers_are_told_of_a_pipe_that_was_killed(
    client: Client, environ: Environ, run_id: str
) -> None:
    with Running("pipe", run_id, "--lease", "1", environ=environ) as pipe:
        pipe.give(b"here\n")
        with Running("read", run_id, "-f", environ=environ) as read:
            assert read.line() == "here\n"
            pipe.process.kill()
            code, _, said = read.end()
    assert code == 8
    why = "nothing was heard of its producer for 1 seconds"
    assert said.endswith(f"{run_id}/default failed: {why} (stream_failed)\n")


@pytest.mark.parametrize("lease", ["x", "-1", "3601", "1.5"])
def test_a_lease_is_a_number_of_seconds(environ: Environ, run_id: str, lease: str) -> None:
    done = run("pipe", run_id, f"--lease={lease}", given="", environ=environ)
    assert done.returncode == 2
    assert "is no number of seconds, 0 to 3600" in done.stderr
