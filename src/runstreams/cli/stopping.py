"""`runstreams stop`: a word to the producers of a stream, or of a whole run."""

import argparse
from collections.abc import Iterable

from ..sdk.clients import Client
from .connecting import client_of
from .exits import DONE
from .listing import streams_of


def run(args: argparse.Namespace) -> int:
    """Ask them to stop, and print which streams that concerns. Raises `NotThere`."""
    with client_of(args) as client:
        for key in [args.key] if args.key else _open(client, args.run):
            client.streams.stop(args.run, key)
            print(key)
    return DONE


def _open(client: Client, run: str) -> Iterable[str]:
    return [info.key for info in streams_of(client, run) if info.closed is None]
