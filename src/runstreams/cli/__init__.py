"""The command `runstreams`."""

import os
import sys
from collections.abc import Sequence
from importlib import import_module

from .colour import RED, painted
from .exits import INTERRUPTED, PIPE_CLOSED, Ended, ended_by, missing_extra
from .parser import parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    args = parser().parse_args(argv)
    try:
        # What each command needs takes up to half a second to import: only then.
        code: int = import_module(f".{args.module}", __name__).run(args)
        if sys.stdout is not None:  # as after `>&-`
            sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _let_go_of_stdout()
        return PIPE_CLOSED
    except ModuleNotFoundError as error:
        return _say(missing_extra(error))
    except Exception as error:
        return _say(ended_by(error))
    return code


def _say(ended: Ended) -> int:
    print(f"{painted('runstreams:', RED, sys.stderr)} {ended.message}", file=sys.stderr)
    return ended.code


def _let_go_of_stdout() -> None:
    # Whoever read it has gone. Python would complain again when it flushes it at the end.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
