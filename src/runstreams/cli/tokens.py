"""`runstreams token`: a public token for a browser."""

import argparse

from .connecting import client_of
from .exits import DONE


def run(args: argparse.Namespace) -> int:
    """Print it."""
    with client_of(args) as client:
        token = client.auth.create_public_token(
            read=args.read,
            write=args.write,
            stop=args.stop,
            manage=args.manage,
            expires_in=args.expires_in,
        )
    print(token)
    return DONE
