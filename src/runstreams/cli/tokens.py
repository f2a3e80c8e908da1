"""`runstreams token`: a public token for a browser."""

import argparse

from ..sdk.errors import InvalidSetting
from .connecting import client_of
from .exits import DONE


def run(args: argparse.Namespace) -> int:
    """Print it. Raises `InvalidSetting` when it would allow nothing."""
    if not (args.read or args.write or args.stop or args.manage):
        raise InvalidSetting("the token would allow nothing: say what, as in --read RUN")
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
