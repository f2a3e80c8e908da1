"""Cold starts of the built functions, as `make bench` prints them: Python 3.13, Lambda's runtime
client, the layers with their bytecode, and an emulator in the place of AWS.
"""

import sys
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

from tests.deployed.built import built_function, link_runtime
from tests.deployed.stack import missing
from tests.emulators.ministack import ministack
from tests.emulators.place import fresh_place
from tests.functions.handlers import ENVIRONMENT, event
from tests.functions.sam import build

RUNS = 7
"""Fresh processes of each function; the medians are printed."""

FIRST = {"append": event("write"), "read": event("read", query="wait=0"), "manage": event("health")}
"""The first request of each."""


def main() -> int:
    """Build, measure, and print."""
    if what := missing():
        print(f"skipped: cold starts: {what} is not installed")
        return 0
    with TemporaryDirectory() as place, ministack() as endpoint:
        folders = [Path(place) / each for each in ("built", "runtime")]
        for folder in folders:
            folder.mkdir()
        built, runtime = build(folders[0]), link_runtime(folders[1])
        _print_sizes(built)
        settings = {**ENVIRONMENT, **fresh_place(endpoint).environment()}
        for name, first in FIRST.items():
            times = []
            for _ in range(RUNS):
                began, used = perf_counter(), _processor()
                with built_function(name, built, runtime, settings, Path(place) / "log") as api:
                    api.asked.wait()
                    asked = perf_counter() - began
                    api.invoke(first)
                    answered = perf_counter() - began
                times.append((asked, answered, _processor() - used))
            asked, answered, used = (median(each) * 1000 for each in zip(*times, strict=True))
            print(
                f"cold start of {name}: ready after {asked:.0f} ms, answered after {answered:.0f} "
                f"({used:.0f} ms of processor)"
            )
    return 0


def _processor() -> float:
    """Return the processor time of all processes that have ended, in seconds."""
    used = getrusage(RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _print_sizes(built: Path) -> None:
    for layer in ("DependenciesLayer", "PackageLayer"):
        size = sum(path.stat().st_size for path in (built / layer).rglob("*") if path.is_file())
        print(f"{layer}: {size / 1e6:.1f} MB")


if __name__ == "__main__":
    sys.exit(main())
