"""`runstreams append`: one chunk."""

import argparse
import sys

from ..core.errors import InvalidChunk
from ..core.json_lines import check_chunk, decode
from .connecting import client_of
from .exits import DONE


def run(args: argparse.Namespace) -> int:
    """Append it, and print its index."""
    text = _stdin() if args.value == "-" else _checked(args.value)
    value = decode(check_chunk(text.encode())) if args.json else text
    with client_of(args) as client:
        print(client.streams.append(args.key, value, target=args.run))
    return DONE


def _checked(argument: str) -> str:
    """Return an argument that was text: of other bytes Python makes halves of characters."""
    try:
        argument.encode()
    except UnicodeEncodeError:
        raise InvalidChunk("the value is not UTF-8") from None
    return argument


def _stdin() -> str:
    try:
        return sys.stdin.buffer.read().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidChunk("the input is not UTF-8") from None
