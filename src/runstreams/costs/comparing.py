"""From how many readers on the always-on tier costs less than the functions."""

from collections.abc import Iterable
from dataclasses import replace

from . import tier
from .bill import Line, Load, bill, standing, total

READING = ("following", "replaying", "preflights", "standing")
"""Parts of the bill that hang on where readers are served."""


def reading(load: Load) -> float:
    """Return what the readers of *load* cost, in dollars."""
    return total(_of_readers(bill(load)))


def pays_from(load: Load) -> float:
    """Return from how many readers on average the least tier costs less than the functions would,
    for streams like *load*; infinite where it never does.
    """
    functions = replace(load, readers_on="lambda")
    fargate = replace(load, readers_on="fargate")
    stands = total(standing(replace(fargate, readers=0)))
    saved = reading(functions) - (reading(fargate) - total(standing(fargate)))
    return stands * load.average_readers / saved if saved > 0 else float("inf")


def with_readers(load: Load, readers: float) -> Load:
    """Return so many streams like *load* a month that they have *readers* on average."""
    return replace(load, streams=readers * tier.HOURS * 3600 / (load.readers * load.seconds))


def _of_readers(lines: Iterable[Line]) -> list[Line]:
    return [line for line in lines if line.part in READING]
