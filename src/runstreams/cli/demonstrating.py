"""`runstreams demo`: real text streamed, broken, resumed and checked."""

import argparse


def run(args: argparse.Namespace) -> int:
    """Run the demo."""
    from ..demo.run import main

    return main()
