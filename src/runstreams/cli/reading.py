"""`runstreams read`: the chunks of a stream, as they come."""

import argparse
import shlex
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

from ..core.errors import NotThere
from ..sdk.clients import Client
from ..sdk.connection import DEFAULT_KEY
from ..sdk.errors import InvalidSetting
from ..sdk.leases import UNLEASED, Silence
from ..sdk.records import Chunk
from ..sdk.sync import Reader
from ..sdk.writing.texts import Texts
from ..serve.errors import CannotRun
from . import reading_run
from .connecting import ATTEMPTS, PATIENT, client_of
from .exits import DONE
from .printing import going_on, print_all, said, shown


def run(args: argparse.Namespace) -> int:
    """Print until the end of the stream, of what is there, or of patience. Raises `InvalidSetting`,
    `CannotRun`.
    """
    if args.timeout is not None and not args.follow:
        raise InvalidSetting("--timeout is how long --follow waits: give --follow, too")
    if sys.stdout is None:  # as after `>&-`
        raise CannotRun("there is no standard output")
    reading_run.check(args)
    with client_of(args, PATIENT if args.follow else ATTEMPTS) as client:
        if args.all:
            reading_run.read_all(client, args)
            return DONE
        if args.follow:
            _tell_if_missing(client, args)
        _read(client, args)
    return DONE


def _read(client: Client, args: argparse.Namespace) -> None:
    form = _json if args.json else _text if args.text else _lines
    asked: Silence = UNLEASED if args.timeout is None else args.timeout
    timeout = asked if args.follow else 0
    place = Place(args.start)
    with client.streams.read(
        args.run, args.key, start_index=args.start, timeout=timeout, chunks=True
    ) as reader:
        try:
            print_all(form(place.passing(reader)), at_once=args.follow)
            if args.follow:
                _tell_end(reader, args, place.start)
        except KeyboardInterrupt:
            print(f"runstreams: go on with: {again(args, place.start)}", file=sys.stderr)
            raise


def _tell_end(reader: Reader[Any], args: argparse.Namespace, start: int | str) -> None:
    if reader.state != "silent":
        return
    name = f"{args.run}/{args.key or DEFAULT_KEY}"
    why = ", and no producer holds a lease" if args.timeout is None else ""
    print(f"runstreams: {name} is silent: nothing came{why}", file=sys.stderr)
    print(f"runstreams: go on with: {again(args, start)}", file=sys.stderr)


class Place:
    """Where to go on after an interruption."""

    def __init__(self, start: int | str) -> None:
        self.start = start

    def passing(self, reader: Reader[Chunk[Any]]) -> Iterator[Chunk[Any]]:
        """Yield chunks of *reader*, each of which has been printed when the next one is asked
        for.
        """
        for chunk in going_on(reader):
            yield chunk
            self.start = chunk.index + 1


def again(args: argparse.Namespace, start: int | str) -> str:
    """Return the command that goes on at *start*."""
    words = ["runstreams", "read", args.run, *([args.key] if args.key else [])]
    flags = [f"--{name}" for name in ("follow", "text", "json") if getattr(args, name)]
    where = ["--url", args.url] if args.url else []
    return shlex.join([*words, *flags, *where, "--start", str(start)])


def _tell_if_missing(client: Client, args: argparse.Namespace) -> None:
    try:
        client.streams.describe(args.run, args.key)
    except NotThere:
        name = f"{args.run}/{args.key or DEFAULT_KEY}"
        print(f"runstreams: there is no {name} yet: waiting for it", file=sys.stderr, flush=True)


def _lines(chunks: Iterable[Chunk[Any]]) -> Iterator[bytes]:
    for chunk in chunks:
        data = chunk.data
        yield (shown(data) if isinstance(data, str) else said(data)) + b"\n"


def _text(chunks: Iterable[Chunk[Any]]) -> Iterator[bytes]:
    texts = Texts()
    for chunk in chunks:
        for piece in texts.feed(chunk.data):
            yield shown(piece) if isinstance(piece, str) else said(piece)
    for half in texts.end():
        yield shown(str(half))


def _json(chunks: Iterable[Chunk[Any]]) -> Iterator[bytes]:
    for chunk in chunks:
        yield said(asdict(chunk)) + b"\n"
