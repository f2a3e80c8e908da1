"""Print the figures of `docs/caching.md`: `python -m tests.caches` takes six minutes."""

from pathlib import Path
from tempfile import TemporaryDirectory

from tests.caches.measuring import LOADS, SECONDS, Measured, through, without
from tests.caches.serving import KINDS


def main() -> None:
    """Measure each load without a cache and through each, and print a table."""
    print("| readers | appends a second | | p50 | p99 | requests an append |")
    print("|---|---|---|---|---|---|")
    for readers, rate in LOADS:
        for kind in (None, *KINDS):
            with TemporaryDirectory() as folder:
                place = Path(folder)
                found = (
                    through(kind, place, readers, rate, SECONDS)
                    if kind
                    else without(place, readers, rate, SECONDS)
                )
            print(
                f"| {readers:,} | {rate} | {kind or 'no cache'} | {_figures(found)} |", flush=True
            )


def _figures(found: Measured) -> str:
    load = found.load
    each = found.requests / load.chunks
    return f"{load.percentile(50):.0f} ms | {load.percentile(99):.0f} ms | {each:.1f}"


main()
