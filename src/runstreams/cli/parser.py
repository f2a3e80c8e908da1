"""What may be typed."""

import argparse
import math
from typing import get_args

from .._version import __version__
from ..core.errors import InvalidRequest
from ..core.model import TAIL, RunStatus, Start
from ..sdk.leases import LEASE_SECONDS, lease_of
from ..sdk.tokens import seconds_of
from ..serve.settings import add_options
from .cost import add_cost

_DESCRIPTION = "Durable, ordered, resumable streams for anything that runs."

_DEMO = """Start a server in a folder of its own, pipe two documents into one stream from two
writers at once, cut one connection in the middle of a chunk and resume it, follow everything
live, replay it, and check that every chunk is there once and in order. Nothing is left behind."""

_SERVE = """Serve streams on this machine, kept in a folder, or with --aws in S3 and DynamoDB
(bucket and table from RUNSTREAMS_BUCKET and RUNSTREAMS_TABLE). The secret key is
RUNSTREAMS_SECRET_KEY, or it is made at the first start and kept in the folder. Each setting can
also be given in the environment, under the name in brackets. Ctrl-C stops the server."""

_OBJECTS = """Show where a stream's chunks are: which object holds which indexes, its size, and when
its last chunk was appended. Works while a server is running."""

_COST = """Compute what streams of a kind would cost on AWS in a month, by service, from the
requests that they make and list prices. Nothing is asked of AWS."""

_PIPE = """Send standard input into a stream, as it comes: a chunk of text for each line. Prints the
index of the last chunk. Ctrl-C sends what has come, whole lines only, and closes the stream as
canceled."""

_APPEND = "Append one chunk and print its index."

_READ = """Print the chunks of a stream, one a line: text as it is, anything else as JSON. Ends with
what is there; with --follow it goes on until the stream is closed, or silent while no producer
holds a lease. With --all it prints those of all streams of the run, each after its key and a tab,
until the run is completed."""

_LS = "List the streams of a run, or else the runs, newest first."

_COMPLETE = """Complete a run: its open streams are closed in the same way, and it takes no more
chunks."""

_STOP = """Ask the producers of a stream to stop, or those of all open streams of the run. They
close their sources, and the streams end as canceled."""

_RM = "Delete a stream, or a run with all its streams. What is deleted is gone."

_COMPLETION = """Print what lets your shell complete commands and options. For bash:
source <(runstreams completion bash); for zsh the same with zsh; for fish:
runstreams completion fish | source."""

_CLOSE = "Close a stream: its readers come to an end, and it takes no more chunks."

_TOKEN = """Print a public token for a browser, which allows what is named: a run by its id, a
stream by RUN/KEY, all runs by '*'. It is signed with the secret key; nothing is sent."""


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    top = argparse.ArgumentParser("runstreams", description=_DESCRIPTION)
    top.add_argument("--version", action="version", version=f"runstreams {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def command(name: str, module: str, help: str, description: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=help, description=description)
        added.set_defaults(module=module)
        return added

    command("demo", "demonstrating", "stream real text, break it, and check every chunk", _DEMO)
    add_options(command("serve", "serving", "serve streams on this machine", _SERVE))
    _objects(command("objects", "objects", "show which object holds which chunks", _OBJECTS))
    _pipe(command("pipe", "piping", "send standard input into a stream", _PIPE))
    _append(command("append", "appending", "append one chunk", _APPEND))
    _read(command("read", "reading", "print the chunks of a stream", _READ))
    _ls(command("ls", "listing", "list streams or runs", _LS))
    _close(command("close", "closing", "close a stream", _CLOSE))
    _complete(command("complete", "completing", "complete a run", _COMPLETE))
    _some(command("stop", "stopping", "ask producers to stop", _STOP))
    _some(command("rm", "removing", "delete a stream or a run", _RM))
    _token(command("token", "tokens", "make a public token for a browser", _TOKEN))
    add_cost(command("cost", "cost", "compute what streams would cost on AWS", _COST))
    shell = command("completion", "completion", "let your shell complete", _COMPLETION)
    shell.add_argument("shell", choices=("bash", "zsh", "fish"), help="your shell")
    return top


def _objects(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="the run's id")
    parser.add_argument("key", metavar="KEY", help="the stream's key")
    add_options(parser, "data", "aws")


def _pipe(parser: argparse.ArgumentParser) -> None:
    _stream(parser)
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--text", action="store_true", help="a chunk for each piece, as it comes")
    how.add_argument("--json", action="store_true", help="each line is a JSON value")
    parser.add_argument(
        "--close",
        action=argparse.BooleanOptionalAction,
        help="close the stream as completed at the end, or never close it "
        "(without either, it is closed only when something goes wrong)",
    )
    parser.add_argument(
        "--take-over",
        action="store_true",
        help="keep out pipes and writers that began before, as of a job that is started again",
    )
    parser.add_argument(
        "--supersede",
        metavar="INDEX",
        type=_index,
        help="with --take-over: what is stored from there on no longer counts",
    )
    parser.add_argument(
        "--lease",
        metavar="SECONDS",
        type=_lease,
        help="readers are told when this process has died for so long; 0: never (60) "
        "[RUNSTREAMS_LEASE_SECONDS]",
    )
    _server(parser)


def _append(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="the run's id")
    # Needed here: a value that was forgotten would be a key that was left out.
    parser.add_argument("key", metavar="KEY", help="the stream's key, like default")
    parser.add_argument("value", metavar="VALUE", help="the chunk, as text; - is standard input")
    parser.add_argument("--json", action="store_true", help="VALUE is a JSON value")
    _server(parser)


def _read(parser: argparse.ArgumentParser) -> None:
    _stream(parser)
    parser.add_argument(
        "--start",
        metavar="N",
        type=_start,
        default=0,
        help="begin at this index; from the end if negative; 'tail' is only what comes (0)",
    )
    parser.add_argument(
        "--all", action="store_true", help="all streams of the run, those too that come later"
    )
    parser.add_argument(
        "--from",
        metavar="KEY=N",
        dest="places",
        type=_place,
        action="append",
        default=[],
        help="with --all: begin the stream KEY at this index; may be repeated",
    )
    parser.add_argument("--follow", "-f", action="store_true", help="wait for what comes")
    parser.add_argument(
        "--timeout",
        metavar="DURATION",
        type=_silence,
        help="with --follow: end after so much silence, like 30, 5m or never (60, but only while "
        "no producer holds a lease)",
    )
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--text", action="store_true", help="print text without newlines between")
    how.add_argument(
        "--json", action="store_true", help="print index, data, id and timestamp as JSON"
    )
    _server(parser)


def _ls(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", nargs="?", help="the run's id")
    parser.add_argument("--limit", metavar="N", type=int, default=100, help="most runs (100)")
    parser.add_argument("--status", choices=get_args(RunStatus), help="only runs that are so")
    parser.add_argument("--json", action="store_true", help="print each as JSON")
    _server(parser)


def _close(parser: argparse.ArgumentParser) -> None:
    _stream(parser)
    _end(parser)
    _server(parser)


def _complete(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="the run's id")
    _end(parser)
    _server(parser)


def _some(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="the run's id")
    parser.add_argument("key", metavar="KEY", nargs="?", help="the stream's key (all streams)")
    _server(parser)


def _end(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--status",
        choices=("completed", "failed", "canceled"),
        default="completed",
        help="how it has ended (completed)",
    )
    parser.add_argument("--error", metavar="TEXT", help="why, up to 4 KiB")


def _token(parser: argparse.ArgumentParser) -> None:
    for action, allows in (
        ("read", "read"),
        ("write", "append and close"),
        ("stop", "ask to stop"),
        ("manage", "register, complete, delete"),
    ):
        parser.add_argument(
            f"--{action}",
            metavar="RUN[/KEY]",
            action="append",
            default=[],
            help=f"what it may {allows}; may be repeated",
        )
    parser.add_argument(
        "--expires-in",
        metavar="DURATION",
        type=_duration,
        default=900.0,
        help="how long it is good for, like 90s, 1h, 7d (15m)",
    )
    _server(parser)


def _stream(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="the run's id")
    parser.add_argument("key", metavar="KEY", nargs="?", help="the stream's key (default)")


def _server(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--url", metavar="URL", help="the server (http://127.0.0.1:8787) [RUNSTREAMS_URL]"
    )
    parser.add_argument(
        "--key-file",
        metavar="FILE",
        help="file with the secret key or token [RUNSTREAMS_SECRET_KEY; for a server on this "
        "machine, else the one that it keeps in its folder]",
    )
    parser.add_argument(
        "--attempts",
        metavar="N",
        type=_attempts,
        help="give up after so many failures in a row (5; for pipe and read 64, five minutes)",
    )


def _lease(text: str) -> int:
    try:
        return lease_of(None, {LEASE_SECONDS: text})
    except InvalidRequest:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds, 0 to 3600") from None


def _index(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no index: 0, 1, 2 ...")
    return int(text)


def _silence(text: str) -> float:
    return math.inf if text == "never" else _duration(text)


def _start(text: str) -> Start:
    if text == TAIL:
        return TAIL
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is neither an index nor 'tail'") from None


def _place(text: str) -> tuple[str, int]:
    key, _, index = text.rpartition("=")
    if not key or not index.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not like KEY=N")
    return key, int(index)


def _attempts(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return int(text)


def _duration(text: str) -> float:
    try:
        return seconds_of(float(text) if text.replace(".", "", 1).isdecimal() else text)
    except InvalidRequest as error:
        raise argparse.ArgumentTypeError(str(error)) from None
