"""`runstreams serve`: the local server."""

import argparse
import os

from ..serve.running import run as serve
from ..serve.settings import settings_of
from .exits import DONE


def run(args: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM."""
    try:
        serve(settings_of(args, os.environ), os.environ)
    except KeyboardInterrupt:  # before the server has taken over
        return DONE
    return DONE
