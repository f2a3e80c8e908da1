"""`runstreams cost`: what streams of a kind would cost on AWS."""

import argparse
import math
from collections.abc import Iterable
from typing import Any, get_args

from ..costs.bill import Endpoint, Line, Load, ReadersOn, bill, standing, total
from ..costs.comparing import pays_from
from ..serve.errors import CannotRun
from .exits import DONE

USUAL = Load()

OPTIONS: tuple[tuple[str, str, Any, str], ...] = (
    ("streams", "N", USUAL.streams, "streams"),
    ("tokens-per-second", "N", USUAL.tokens_per_second, "tokens that a stream gets a second"),
    ("seconds", "N", USUAL.seconds, "how long a stream is written"),
    ("batch", "SECONDS", USUAL.batch_seconds, "how long tokens gather; 0 appends each by itself"),
    ("token-bytes", "N", USUAL.token_bytes, "bytes of a token, as JSON"),
    ("readers", "N", USUAL.readers, "readers that follow a stream live"),
    ("replays", "N", USUAL.replays, "readers that take all of it later"),
    ("inline-bytes", "N", USUAL.inline_bytes, "largest batch that lies in the head; 0: none does"),
    ("poll-ms", "MS", USUAL.poll_ms, "pause between two looks of a waiting reader"),
)


def add_cost(parser: argparse.ArgumentParser) -> None:
    """Let *parser* take what describes the streams."""
    for name, metavar, usual, text in OPTIONS:
        parser.add_argument(
            f"--{name}", type=float, metavar=metavar, default=usual, help=f"{text} ({usual:g})"
        )
    parser.add_argument(
        "--cross-origin",
        action="store_true",
        help="the readers are pages of another origin, whose browsers ask first each time",
    )
    parser.add_argument(
        "--direct",
        action="store_true",
        help="the writer uses bucket and table itself, with no function in between",
    )
    parser.add_argument(
        "--endpoint",
        choices=get_args(Endpoint),
        default=USUAL.endpoint,
        help=f"where they are written and read ({USUAL.endpoint})",
    )
    parser.add_argument(
        "--readers-on",
        choices=get_args(ReadersOn),
        default=USUAL.readers_on,
        help=f"what serves readers: the functions, or tasks beside them ({USUAL.readers_on})",
    )


def run(args: argparse.Namespace) -> int:
    """Print what the described streams would cost. Raises `CannotRun`."""
    show(_load_of(args))
    return DONE


def _load_of(args: argparse.Namespace) -> Load:
    """Return what the command line describes. Raises `CannotRun`."""
    for name, *_ in OPTIONS:
        value = getattr(args, name.replace("-", "_"))
        if not 0 <= value < 1e12 or (value == 0 and name in ("streams", "seconds", "poll-ms")):
            raise CannotRun(f"--{name} {value:g} is not a number that streams can have")
    return Load(
        args.streams,
        args.tokens_per_second,
        args.seconds,
        args.batch,
        args.token_bytes,
        args.readers,
        args.replays,
        args.endpoint,
        args.cross_origin,
        args.inline_bytes,
        args.direct,
        args.poll_ms,
        args.readers_on,
    )


def show(load: Load) -> None:
    """Print the bill."""
    lines = bill(load)
    print(
        f"{load.streams:,.0f} streams of {load.tokens:,} tokens in {load.appends:,} appends, "
        f"{load.readers:g} following, {load.replays:g} replaying, at the {load.endpoint}"
    )
    for line in sorted(lines, key=lambda line: -line.dollars):
        price = line.price
        print(
            f"{_dollars(line.dollars):>12}  {line.part:10} {price.service:14} "
            f"{line.quantity:20,.0f} {price.what}"
        )
    for service, dollars in by_service(lines):
        print(f"{_dollars(dollars):>12}  {service}")
    whole = total(lines)
    print(f"{_dollars(whole):>12}  together, ${whole / load.streams:.6f} a stream")
    if load.readers_on == "fargate":
        print(_about_the_tier(load))
    checked = sorted({line.price.checked for line in lines})
    print(f"Computed, not billed: list prices of us-east-1, checked {' to '.join(checked)}.")


def _about_the_tier(load: Load) -> str:
    count, stands = load.tasks, total(standing(load))
    least = pays_from(load)
    number = f"{least:,.1f}" if math.isfinite(least) else "no number of"
    return (
        f"In a month these are {load.average_readers:,.1f} readers on average, for {count} tasks: "
        f"{_dollars(stands)}, whoever reads.\n"
        f"Beside functions at the {load.endpoint} it pays from {number} readers on."
    )


def by_service(lines: Iterable[Line]) -> list[tuple[str, float]]:
    """Return the dollars of each service, the dearest first."""
    sums: dict[str, float] = {}
    for line in lines:
        sums[line.price.service] = sums.get(line.price.service, 0) + line.dollars
    return sorted(sums.items(), key=lambda each: -each[1])


def _dollars(value: float) -> str:
    return f"${value:,.2f}"
