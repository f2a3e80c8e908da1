"""`runstreams rm`: a stream, or a run with all its streams, is deleted."""

import argparse
from contextlib import suppress

from ..core.errors import Denied, NotThere
from ..sdk.clients import Client
from .connecting import client_of
from .exits import DONE


def run(args: argparse.Namespace) -> int:
    """Delete it, and print what was. Raises `NotThere`."""
    with client_of(args) as client:
        print(_stream(client, args.run, args.key) if args.key else _run(client, args.run))
    return DONE


def _stream(client: Client, run: str, key: str) -> str:
    if not client.streams.delete(run, key):
        raise NotThere(f"{run}/{key}: there is no such stream")
    return f"{run}/{key}"


def _run(client: Client, run: str) -> str:
    with suppress(Denied):  # a token that may delete it need not be one that may read it
        client.streams.describe_run(run)
    count = client.streams.delete_run(run)
    return f"{run}: {count} stream{'' if count == 1 else 's'}"
