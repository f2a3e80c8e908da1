"""append, ls, close, token; keys, servers, and the exit code of everything."""

import json
import os
import re
import subprocess
from dataclasses import MISSING, fields
from pathlib import Path

import pytest

from runstreams import Client, Closed, errors
from runstreams.cli import exits
from runstreams.cli.connecting import key_of
from runstreams.cli.exits import ended_by
from runstreams.cli.parser import parser
from runstreams.errors import InvalidSetting
from tests.serve.process import clean_environ
from tests.tools import ROOT

from .terminal import COMMAND, on_a_terminal, run

Environ = dict[str, str]

DOCUMENT = (ROOT / "docs" / "command-line.md").read_text()


def test_append_prints_the_index_and_ls_what_is_there(
    client: Client, environ: Environ, run_id: str
) -> None:
    assert run("append", run_id, "default", "hello", environ=environ).stdout == "0\n"
    given = "text\nof two lines\n"
    assert run("append", run_id, "default", "-", given=given, environ=environ).stdout == "1\n"
    assert run("append", run_id, "log", "[1]", "--json", environ=environ).stdout == "0\n"
    assert list(client.streams.read(run_id, timeout=0)) == ["hello", given]
    assert list(client.streams.read(run_id, "log", timeout=0)) == [[1]]

    listed = run("ls", run_id, environ=environ).stdout.splitlines()
    assert [line.split()[0] for line in listed] == ["CHUNKS", "2", "1"]
    assert [line.split()[2] for line in listed] == ["WRITERS", "2", "1"]
    assert [line.split()[-1] for line in listed] == ["KEY", "default", "log"]
    found = [json.loads(line) for line in run("ls", "--json", environ=environ).stdout.splitlines()]
    assert run_id in [each["id"] for each in found]


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_an_argument_that_is_no_text_is_refused(
    environ: Environ, run_id: str, more: list[str]
) -> None:
    done = run("append", run_id, "log", os.fsdecode(b'"\xff"'), *more, environ=environ)
    said = "runstreams: the value is not UTF-8 (invalid_chunk)\n"
    assert (done.returncode, done.stderr) == (2, said)


def test_runs_are_listed_by_how_they_are(client: Client, environ: Environ, run_id: str) -> None:
    client.streams.append("x", target=run_id)
    ended = ["complete", run_id, "--status", "failed", "--error", "out of luck"]
    assert run(*ended, environ=environ).returncode == 0
    listed = run("ls", "--status", "failed", environ=environ).stdout.splitlines()
    assert {line.split()[1] for line in listed[1:]} == {"failed"}
    assert run_id in [line.split()[-1] for line in listed]
    listed = run("ls", "--status", "running", environ=environ).stdout.splitlines()
    assert run_id not in [line.split()[-1] for line in listed]
    (record,) = [one for one in client.streams.runs(status="failed") if one.id == run_id]
    assert (record.status, record.error) == ("failed", "out of luck")


def test_a_token_of_the_command_line_reads_what_it_names_and_writes_nothing(
    environ: Environ, run_id: str
) -> None:
    allowed = ["--read", run_id, "--expires-in", "1h"]
    token = run("token", *allowed, environ=environ).stdout.strip()
    with_token = environ | {"RUNSTREAMS_SECRET_KEY": token}
    assert run("read", run_id, environ=with_token).returncode == 0
    done = run("append", run_id, "default", "x", environ=with_token)
    assert (done.returncode, done.stdout) == (5, "")
    assert done.stderr.endswith("(unauthorized)\n")


def test_a_token_that_would_allow_nothing_is_refused_with_the_option_to_give(
    environ: Environ,
) -> None:
    done = run("token", environ=environ)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--read RUN" in done.stderr


def test_no_server_is_said_after_a_few_attempts(run_id: str, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("sk\n")
    options = ["--url", "http://127.0.0.1:9", "--key-file", str(tmp_path / "key")]
    done = run("append", run_id, "default", "x", *options, "--attempts", "2")
    assert done.returncode == 4
    first, again, last = done.stderr.splitlines()
    assert first.startswith("runstreams: the server at http://127.0.0.1:9 cannot be reached: ")
    assert "`runstreams serve`" in first
    assert "RUNSTREAMS_URL" in first
    assert again.startswith("runstreams: trying again in ")
    assert last.startswith(f"runstreams: {run_id}/default: the server at http://127.0.0.1:9 cannot")
    assert last.endswith("(unreachable)")


def test_without_a_key_nothing_is_asked(tmp_path: Path) -> None:
    done = run("ls", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("runstreams: no key to show: set RUNSTREAMS_SECRET_KEY")
    assert done.stderr.endswith("(invalid_setting)\n")


def test_the_key_in_the_data_folder_is_shown_to_this_machine_only(tmp_path: Path) -> None:
    (tmp_path / "secret-key").write_text("sk_local\n")
    environ = {"RUNSTREAMS_DATA": str(tmp_path)}
    assert key_of(None, "http://localhost:8787", environ) == "sk_local"
    assert key_of(None, "http://[::1]:1", environ) == "sk_local"
    given = environ | {"RUNSTREAMS_SECRET_KEY": "sk_given"}
    assert key_of(None, "http://localhost:8787", given) == "sk_given"
    for elsewhere in ("https://streams.example", "http://127.0.0.1.example"):
        with pytest.raises(InvalidSetting):
            key_of(None, elsewhere, environ)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("pipe run_1 <&-", "runstreams: there is no standard input\n"),
        ("read run_1 >&-", "runstreams: there is no standard output\n"),
    ],
)
def test_without_input_or_output_that_is_said(environ: Environ, command: str, said: str) -> None:
    done = subprocess.run(
        ["bash", "-c", f"{' '.join(COMMAND)} {command}"],
        capture_output=True,
        text=True,
        timeout=30,
        env=clean_environ() | environ,
    )
    assert (done.returncode, done.stderr) == (1, said)


def one_of(kind: type[errors.RunstreamsError]) -> errors.RunstreamsError:
    needed = [each.name for each in fields(kind) if each.default is MISSING]
    return kind(**dict.fromkeys(needed, 0) | {"message": "why"})


def test_every_error_has_its_exit_code() -> None:
    """Errors of the SDK end in a message, never in a traceback."""
    found = {name: ended_by(one_of(getattr(errors, name))).code for name in errors.__all__}
    assert found["InvalidChunk"] == found["NoRun"] == exits.USAGE
    assert found["StreamClosed"] == found["RunCompleted"] == found["StreamFull"] == exits.REFUSED
    assert found["Unauthenticated"] == exits.DENIED
    assert found["IndexExpired"] == exits.NOT_THERE
    assert found["Unexpected"] == exits.UNANSWERED
    with pytest.raises(ZeroDivisionError):
        ended_by(ZeroDivisionError())


def test_the_document_has_every_exit_code_and_no_other() -> None:
    named = {value for value in vars(exits).values() if isinstance(value, int)}
    table = DOCUMENT.partition("## Exit codes")[2]
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)} == named


def test_the_document_has_every_command_and_option() -> None:
    (commands,) = [action for action in parser()._actions if action.dest == "command"]
    choices = commands.choices
    assert isinstance(choices, dict)
    for name, command in choices.items():
        assert f"`runstreams {name}" in DOCUMENT
        if name in ("serve", "objects"):
            continue  # docs/configuration.md has theirs, and a test of its own
        for action in command._actions:
            for option in action.option_strings:
                assert option in {"-h", "--help"} or option in DOCUMENT, (name, option)


def test_a_value_that_was_forgotten_is_not_taken_for_a_key_that_was(
    environ: Environ, run_id: str
) -> None:
    done = run("append", run_id, "log", environ=environ)
    assert (done.returncode, done.stdout) == (2, "")
    assert "required: VALUE" in done.stderr


def test_complete_ends_a_run_and_its_streams_alike(
    client: Client, environ: Environ, run_id: str
) -> None:
    client.streams.append("log", 1, target=run_id)
    done = run("complete", run_id, "--status", "failed", "--error", "why", environ=environ)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert client.streams.describe(run_id, "log").closed == Closed("failed", "why")
    assert run("append", run_id, "log", "late", environ=environ).returncode == 6


def test_stop_asks_one_stream_or_all_that_are_open(
    client: Client, environ: Environ, run_id: str
) -> None:
    for key in ("a", "b", "c"):
        client.streams.append(key, 1, target=run_id)
    client.streams.close("c", target=run_id)
    assert run("stop", run_id, "a", environ=environ).stdout == "a\n"
    assert [info.stop for info in client.streams.list(run_id)] == [True, False, False]
    assert run("stop", run_id, environ=environ).stdout == "a\nb\n"
    assert [info.stop for info in client.streams.list(run_id)] == [True, True, False]


def test_rm_deletes_a_stream_or_a_run_with_all_of_them(
    client: Client, environ: Environ, run_id: str
) -> None:
    for key in ("a", "b", "c"):
        client.streams.append(key, 1, target=run_id)
    assert run("rm", run_id, "a", environ=environ).stdout == f"{run_id}/a\n"
    again = run("rm", run_id, "a", environ=environ)
    assert (again.returncode, again.stdout) == (7, "")
    assert run("rm", run_id, environ=environ).stdout == f"{run_id}: 2 streams\n"
    assert client.streams.list(run_id) == []
    client.streams.append("a", 1, target=run_id)
    assert run("rm", run_id, environ=environ).stdout == f"{run_id}: 1 stream\n"


@pytest.mark.parametrize("typed", ["ls RUN", "ls RUN --json", "stop RUN", "rm RUN"])
def test_a_run_that_nobody_knows_is_said_to_be_none(
    environ: Environ, run_id: str, typed: str
) -> None:
    done = run(*typed.replace("RUN", run_id).split(), environ=environ)
    assert (done.returncode, done.stdout) == (7, "")
    assert done.stderr == f"runstreams: {run_id}: there is no such run (not_found)\n"


def test_a_run_without_streams_is_known(client: Client, environ: Environ, run_id: str) -> None:
    with client.streams.run(run_id):
        assert run("ls", run_id, "--json", environ=environ).stdout == ""
        assert run("stop", run_id, environ=environ).returncode == 0
    assert run("rm", run_id, environ=environ).stdout == f"{run_id}: 0 streams\n"


def test_a_token_that_may_only_delete_a_run_does(
    client: Client, environ: Environ, run_id: str
) -> None:
    client.streams.append("a", 1, target=run_id)
    token = client.auth.create_public_token(manage=[run_id])
    done = run("rm", run_id, environ=environ | {"RUNSTREAMS_SECRET_KEY": token})
    assert (done.returncode, done.stdout) == (0, f"{run_id}: 1 stream\n")


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("runstreams comp", "complete completion"),
        ("runstreams read --fo", "--follow"),
        ("runstreams close --st", "--status"),
        ("runstreams completion z", "zsh"),
    ],
)
def test_a_shell_completes_commands_and_options(typed: str, found: str) -> None:
    words = typed.split()
    script = (
        run("completion", "bash").stdout
        + f"""
        COMP_WORDS=({typed}); COMP_CWORD={len(words) - 1}; _runstreams; echo "${{COMPREPLY[@]}}"
    """
    )
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=30)
    assert (done.stdout, done.stderr) == (f"{found}\n", "")


@pytest.mark.needs("fish")
def test_so_does_fish() -> None:
    script = run("completion", "fish").stdout + "complete -C 'runstreams read --fo'"
    done = subprocess.run(["fish", "-c", script], capture_output=True, text=True, timeout=30)
    assert done.stdout.startswith("--follow\t")


@pytest.mark.needs("zsh")
def test_so_does_zsh() -> None:
    script = "autoload -U compinit && compinit -D\n" + run("completion", "zsh").stdout
    done = subprocess.run(
        ["zsh", "-f", "-c", f"{script}\nprint $_comps[runstreams]"],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.stdout.startswith("_bash_complete")


def test_colours_are_for_terminals(environ: Environ, run_id: str) -> None:
    done = run("append", run_id, "default", "x", "--url", "nowhere", environ=environ)
    assert done.stderr.startswith("runstreams: ")
    shown = on_a_terminal("append", run_id, "k", "x", "--url", "nowhere", environ=environ, code=2)
    assert shown.startswith("\x1b[31mrunstreams:\x1b[0m ")
    plain = environ | {"NO_COLOR": "1"}
    shown = on_a_terminal("append", run_id, "k", "x", "--url", "nowhere", environ=plain, code=2)
    assert shown.startswith("runstreams: ")
