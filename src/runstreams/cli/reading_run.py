"""`runstreams read --all`: the chunks of all streams of a run, as they come."""

import argparse
import shlex
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

from ..core.errors import NotThere
from ..sdk.clients import Client
from ..sdk.errors import InvalidSetting
from ..sdk.leases import UNLEASED, Silence
from ..sdk.records import RunChunk
from .printing import going_on, print_all, said, shown


def check(args: argparse.Namespace) -> None:
    """Raise `InvalidSetting` for what makes no sense together."""
    if args.all and (args.key is not None or args.start != 0):
        raise InvalidSetting("--all reads every stream: KEY is left out, --from KEY=N is --start")
    if args.all and args.text:
        raise InvalidSetting("--text joins the pieces of one stream: give its KEY, without --all")
    if args.places and not args.all:
        raise InvalidSetting("--from is for --all: give --start")


def read_all(client: Client, args: argparse.Namespace) -> None:
    """Print until the end of the run, of what is there, or of patience."""
    if args.follow:
        _tell_if_missing(client, args.run)
    places = dict(args.places)
    asked: Silence = UNLEASED if args.timeout is None else args.timeout
    timeout = asked if args.follow else 0
    with client.streams.read_run(args.run, start=places, timeout=timeout) as reader:
        try:
            chunks = going_on(reader)
            print_all(_json(chunks) if args.json else _lines(chunks), at_once=args.follow)
            if args.follow and reader.state == "silent":
                why = ", and no producer holds a lease" if args.timeout is None else ""
                print(f"runstreams: {args.run} is silent: nothing came{why}", file=sys.stderr)
                _tell_how_to_go_on(args, {**places, **reader.positions})
        except KeyboardInterrupt:
            _tell_how_to_go_on(args, {**places, **reader.positions})
            raise


def _tell_if_missing(client: Client, run: str) -> None:
    try:
        client.streams.describe_run(run)
    except NotThere:
        print(f"runstreams: there is no {run} yet: waiting for it", file=sys.stderr, flush=True)


def _tell_how_to_go_on(args: argparse.Namespace, places: Mapping[str, int]) -> None:
    print(f"runstreams: go on with: {again(args, places)}", file=sys.stderr)


def again(args: argparse.Namespace, places: Mapping[str, int]) -> str:
    """Return the command that goes on at *places*."""
    flags = [f"--{name}" for name in ("follow", "json") if getattr(args, name)]
    where = ["--url", args.url] if args.url else []
    begin = [word for key, index in places.items() for word in ("--from", f"{key}={index}")]
    return shlex.join(["runstreams", "read", args.run, "--all", *flags, *where, *begin])


def _lines(chunks: Iterable[RunChunk[Any]]) -> Iterator[bytes]:
    for chunk in chunks:
        data = shown(chunk.data) if isinstance(chunk.data, str) else said(chunk.data)
        yield chunk.key.encode() + b"\t" + data + b"\n"


def _json(chunks: Iterable[RunChunk[Any]]) -> Iterator[bytes]:
    for chunk in chunks:
        yield said(asdict(chunk)) + b"\n"
