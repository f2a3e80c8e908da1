"""`runstreams read`: the chunks of a stream, as they come."""

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from ..sdk.records import Chunk
from ..serve.errors import CannotRun
from .connecting import ATTEMPTS, PATIENT, client_of
from .exits import DONE


def run(args: argparse.Namespace) -> int:
    """Print until the end of the stream, of what is there, or of patience."""
    form = _json if args.json else _piece if args.text else _line
    timeout = args.timeout if args.follow else 0
    if sys.stdout is None:  # as after `>&-`
        raise CannotRun("there is no standard output")
    with (
        client_of(args, PATIENT if args.follow else ATTEMPTS) as client,
        client.streams.read(
            args.run, args.key, start_index=args.start, timeout=timeout, chunks=True
        ) as reader,
    ):
        _print(reader, form, at_once=args.follow)
    return DONE


def _print(reader: Any, form: Callable[[Chunk[Any]], str], at_once: bool) -> None:
    output = sys.stdout.buffer
    try:
        for chunk in reader:
            output.write(form(chunk).encode())
            if at_once:
                output.flush()
    finally:
        output.flush()


def _line(chunk: Chunk[Any]) -> str:
    return _piece(chunk) + "\n"


def _piece(chunk: Chunk[Any]) -> str:
    data = chunk.data
    return data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)


def _json(chunk: Chunk[Any]) -> str:
    return json.dumps(asdict(chunk), ensure_ascii=False) + "\n"
