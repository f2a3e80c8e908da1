"""Print the table: `python -m bench`."""

import argparse
import asyncio
import json
import re
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from . import appending, delivering, lambda_path, machine, servers
from .figures import Figure, combined
from .rows import Row, rows
from .table import render
from .target import QUICK, Plan, Target

RUNS = 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and return the exit code."""
    options = _parser().parse_args(arguments)
    if sys.platform == "win32":
        print("the benchmark needs uvloop, which is not there on Windows", file=sys.stderr)
        return 2
    chosen = [row for row in rows() if re.search(options.only, row.name)]
    facts = machine.describe()
    print(", ".join(f"{name} {value}" for name, value in facts.items()))
    plan, others = QUICK if options.quick else Plan(), machine.Others()
    results = _measure(options.server or servers.USUAL, chosen, plan, options.runs)
    print(render([row.name for row in chosen], results))
    if (cores := others.cores()) is not None:
        print(f"Other processes took {cores:.2f} of {facts['cores']} cores meanwhile.")
    if options.json:
        _write(options.json, facts, results)
    return 0 if options.only or options.server else lambda_path.main()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a short run, for a first look")
    parser.add_argument("--runs", type=int, default=RUNS, help="runs whose median is taken")
    parser.add_argument("--only", default="", metavar="REGEX", help="rows whose names match")
    parser.add_argument(
        "--server", action="append", choices=servers.SERVERS, help="only this one; may be repeated"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there too")
    return parser


def _measure(
    names: Sequence[str], chosen: Sequence[Row], plan: Plan, runs: int
) -> dict[str, dict[str, Figure]]:
    """Run the servers in turn, several times over, so that none has the machine's better hour."""
    found: dict[str, dict[str, list[Figure]]] = {name: {} for name in names}
    for _ in range(runs):
        for name in list(found):
            try:
                figures = _run(name, chosen, plan)
            except servers.Missing as reason:
                print(f"skipped: {name}: {reason}")
                del found[name]
                continue
            for row, figure in figures.items():
                found[name].setdefault(row, []).append(figure)
    return {
        name: {row: combined(figures) for row, figures in each.items()}
        for name, each in found.items()
    }


def _run(name: str, chosen: Sequence[Row], plan: Plan) -> dict[str, Figure]:
    import uvloop

    server = servers.SERVERS[name]()
    mine = [row for row in chosen if row.suits(name)]
    with servers.running(server) as port:
        return uvloop.run(_rows(Target(port, server.wire, plan), name, mine))


async def _rows(target: Target, name: str, chosen: Sequence[Row]) -> dict[str, Figure]:
    """Measure row by row, on a server that has been warmed up."""
    figures: dict[str, Figure] = {}
    await appending.at_once(target, connections=8, batch=1)
    for listen in (False, True):
        await delivering.delivery(target, 2, listen=listen)
    for row in chosen:
        figures[row.name] = await row.measure(target)
        print(f"  {name}: {row.name}: {figures[row.name].value:.4g}", file=sys.stderr)
        await asyncio.sleep(0.2)
    return figures


def _write(path: Path, facts: dict[str, str], results: dict[str, dict[str, Figure]]) -> None:
    figures = {
        name: {row: asdict(figure) for row, figure in each.items()}
        for name, each in results.items()
    }
    path.write_text(json.dumps({"machine": facts, "results": figures}, indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(main())
