"""`runstreams complete`: the end of a run."""

import argparse

from .connecting import client_of
from .exits import DONE


def run(args: argparse.Namespace) -> int:
    """Complete it."""
    with client_of(args) as client:
        client.streams.complete(args.run, status=args.status, error=args.error)
    return DONE
