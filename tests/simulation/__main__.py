"""Run seeds again: `python -m tests.simulation SEED [LAST]`; a single one shows every step."""

import sys

from tests.simulation.ledger import Violation
from tests.simulation.scenario import scenario
from tests.simulation.world import run


def main(first: int, last: int) -> int:
    """Run the seeds *first* to *last*; return how many failed."""
    failed = 0
    for seed in range(first, last + 1):
        trace: list[str] | None = [] if first == last else None
        try:
            run(seed, scenario, trace)
        except Violation as violation:
            failed += 1
            print(*(trace or ()), violation, sep="\n")
    print(f"{last + 1 - first} seeds, {failed} failed")
    return failed


if __name__ == "__main__":
    seeds = [int(word) for word in sys.argv[1:]]
    sys.exit(bool(main(seeds[0], seeds[-1])))
