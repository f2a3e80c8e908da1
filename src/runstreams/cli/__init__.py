"""The command `runstreams`."""

import argparse
import os
import sys
from collections.abc import Sequence

from .. import __version__
from ..serve.errors import CannotRun
from ..serve.settings import add_options, settings_of
from .cost import add_cost, load_of
from .cost import show as show_cost

DESCRIPTION = "Durable, ordered, resumable streams for anything that runs."

SERVE = """Serve streams on this machine, kept in a folder, or with --aws in S3 and DynamoDB
(bucket and table from RUNSTREAMS_BUCKET and RUNSTREAMS_TABLE). The secret key is
RUNSTREAMS_SECRET_KEY, or it is made at the first start and kept in the folder. Each setting can
also be given in the environment, under the name in brackets. Ctrl-C stops the server."""

COST = """Compute what streams of a kind would cost on AWS in a month, by service, from the requests
that they make and list prices. Nothing is asked of AWS."""

OBJECTS = """Show where a stream's chunks are: which object holds which indexes, its size, and when
its last chunk was appended. Works while a server is running."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    args = parser().parse_args(argv)
    try:
        if args.command == "cost":
            show_cost(load_of(args))
            return 0
        settings = settings_of(args, os.environ)
        # What each command needs takes up to half a second to import: only then.
        if args.command == "serve":
            from ..serve.running import run

            run(settings, os.environ)
        else:
            from .objects import show

            show(settings, args.run, args.key)
    except CannotRun as error:
        print(f"runstreams: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    top = argparse.ArgumentParser("runstreams", description=DESCRIPTION)
    top.add_argument("--version", action="version", version=f"runstreams {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    serve = commands.add_parser("serve", help="serve streams on this machine", description=SERVE)
    add_options(serve)
    objects = commands.add_parser(
        "objects", help="show which object holds which chunks", description=OBJECTS
    )
    objects.add_argument("run", metavar="RUN", help="the run's id")
    objects.add_argument("key", metavar="KEY", help="the stream's key")
    add_options(objects, "data", "aws")
    cost = commands.add_parser(
        "cost", help="compute what streams would cost on AWS", description=COST
    )
    add_cost(cost)
    return top
