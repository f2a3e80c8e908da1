"""`runstreams pipe`: standard input into a stream."""

import argparse
import os
import signal
import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any

from ..sdk.clients import Client
from ..sdk.errors import InvalidSetting
from ..sdk.sync import Piped
from .connecting import PATIENT, client_of
from .exits import DONE, INTERRUPTED, STREAM_CANCELED, TERMINATED
from .progress import Progress
from .stdin import Input

LOOK_SECONDS = 0.2
"""How often the line of progress changes."""


class _Terminated(KeyboardInterrupt):
    """SIGTERM: the same as Ctrl-C, but for the exit code."""


def run(args: argparse.Namespace) -> int:
    """Send what comes until it ends; return the exit code."""
    signal.signal(signal.SIGTERM, _terminate)
    with client_of(args, PATIENT) as client:
        return _pipe(args, client)


def _pipe(args: argparse.Namespace, client: Client) -> int:
    given = Input()
    source = given.pieces() if args.text else given.values() if args.json else given.lines()
    piped = _piped(args, client, source)
    progress = Progress(piped, given)
    try:
        last = _wait(piped, progress)
    except KeyboardInterrupt as interrupt:
        code = _interrupted(piped, progress, interrupt)
        print(f"runstreams: {_outlook(piped, args.close)}", file=sys.stderr)
        return code
    finally:
        progress.end()
    if last is not None:
        print(last)
    if piped.stopped:
        print("runstreams: readers have asked to stop (stop_requested)", file=sys.stderr)
        return STREAM_CANCELED
    return DONE


def _piped(args: argparse.Namespace, client: Client, source: Iterator[object]) -> Piped[Any]:
    """Begin to send *source*; where that is wanted, as the only one from now on, or in the place of
    what is stored. Raises `InvalidSetting`.
    """
    if args.supersede is not None and not args.take_over:
        raise InvalidSetting("--supersede replaces what others have stored: give --take-over, too")
    how = {"target": args.run, "close": args.close, "lease": args.lease}
    if not args.take_over:
        return client.streams.pipe(args.key, source, **how)
    writer = client.streams.take_over(args.key, **how)
    if args.supersede is not None:
        writer.supersede(args.supersede)
    writer.merge(source)
    writer.close()
    return writer


def _wait(piped: Piped[Any], progress: Progress) -> int | None:
    while True:
        try:
            return piped.wait_until_complete(LOOK_SECONDS)
        except TimeoutError:
            progress.show()


def _interrupted(piped: Piped[Any], progress: Progress, interrupt: KeyboardInterrupt) -> int:
    """Send what has come, and end the stream as canceled."""
    try:
        piped.cancel()
        last = _wait(piped, progress)
    except KeyboardInterrupt as again:
        # Somebody means it. What the server has, it has: only whole chunks.
        progress.end()
        print("runstreams: ended before everything was sent", file=sys.stderr, flush=True)
        os._exit(_code(again))
    if last is not None:
        print(last)
    return _code(interrupt)


def _outlook(piped: Piped[Any], close: bool | None) -> str:
    """Say how an interrupted pipe can be taken up again."""
    name = f"{piped.run}/{piped.key}"
    if close is False:
        return f"{name} is open: runstreams pipe {piped.run} {piped.key} goes on with it"
    return f"{name} is closed as canceled; with --no-close it stays open, to be gone on with"


def _code(interrupt: KeyboardInterrupt) -> int:
    return TERMINATED if isinstance(interrupt, _Terminated) else INTERRUPTED


def _terminate(number: int, frame: FrameType | None) -> None:
    raise _Terminated
