"""`runstreams read`: the chunks of a stream, as they come."""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

from ..core.json_lines import utf8
from ..sdk.records import Chunk
from ..sdk.writing.texts import Texts
from ..serve.errors import CannotRun
from .connecting import ATTEMPTS, PATIENT, client_of
from .exits import DONE


def run(args: argparse.Namespace) -> int:
    """Print until the end of the stream, of what is there, or of patience."""
    form = _json if args.json else _text if args.text else _lines
    timeout = args.timeout if args.follow else 0
    if sys.stdout is None:  # as after `>&-`
        raise CannotRun("there is no standard output")
    with (
        client_of(args, PATIENT if args.follow else ATTEMPTS) as client,
        client.streams.read(
            args.run, args.key, start_index=args.start, timeout=timeout, chunks=True
        ) as reader,
    ):
        _print(form(reader), at_once=args.follow)
    return DONE


def _print(pieces: Iterable[bytes], at_once: bool) -> None:
    output = sys.stdout.buffer
    try:
        for piece in pieces:
            output.write(piece)
            if at_once:
                output.flush()
    finally:
        output.flush()


def _lines(chunks: Iterable[Chunk[Any]]) -> Iterator[bytes]:
    for chunk in chunks:
        data = chunk.data
        yield (_shown(data) if isinstance(data, str) else _said(data)) + b"\n"


def _text(chunks: Iterable[Chunk[Any]]) -> Iterator[bytes]:
    texts = Texts()
    for chunk in chunks:
        for piece in texts.feed(chunk.data):
            yield _shown(piece) if isinstance(piece, str) else _said(piece)
    for half in texts.end():
        yield _shown(str(half))


def _json(chunks: Iterable[Chunk[Any]]) -> Iterator[bytes]:
    for chunk in chunks:
        yield _said(asdict(chunk)) + b"\n"


def _said(value: Any) -> bytes:
    return utf8(json.dumps(value, ensure_ascii=False))


def _shown(text: str) -> bytes:
    """Return *text* in UTF-8, with the sign of what cannot be shown for half of a pair."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()
