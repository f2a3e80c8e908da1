"""`runstreams close`: the end of a stream."""

import argparse

from .connecting import client_of
from .exits import DONE


def run(args: argparse.Namespace) -> int:
    """Close it."""
    with client_of(args) as client:
        client.streams.close(args.key, target=args.run, status=args.status, error=args.error)
    return DONE
