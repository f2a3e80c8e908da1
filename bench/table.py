"""The table as text: each row, server beside server, with the ratio."""

from collections.abc import Mapping, Sequence

from .figures import Figure, ratio
from .wire import OPEN

Results = Mapping[str, Mapping[str, Figure]]
"""By server, then by row."""

NOTHING = "-"

RATIOS = {"ratio": False, "ratio, one protocol": True}
"""Whether what is held against the reference is ours in its own protocol, the open one."""


def render(rows: Sequence[str], results: Results) -> str:
    """Return the table in Markdown: medians with p99 in brackets, and the ratios of ours to the
    reference where both are there; above 1 ours is ahead.
    """
    pairs = {name: pair for name, is_open in RATIOS.items() if (pair := _pair(results, is_open))}
    head = ["", *results, *pairs]
    lines = [
        [
            row,
            *(_cell(figures.get(row)) for figures in results.values()),
            *(_ratio(row, *pair) for pair in pairs.values()),
        ]
        for row in rows
        if any(row in figures for figures in results.values())
    ]
    return _aligned([head, *lines])


def _pair(results: Results, is_open: bool) -> list[Mapping[str, Figure]]:
    """Return our figures, by the open protocol or by ours, and the reference's, if both are
    there.
    """
    mine = [name for name in results if name.startswith("runstreams") and is_open == (OPEN in name)]
    theirs = [name for name in results if name.startswith("reference")]
    found = [results[names[0]] for names in (mine, theirs) if names]
    return found if len(found) == 2 and all(found) else []


def _cell(figure: Figure | None) -> str:
    if figure is None:
        return NOTHING
    p99 = "" if figure.p99 is None else f" (p99 {_number(figure.p99)} ms)"
    return f"{_number(figure.value)} {figure.unit}{p99}"


def _ratio(row: str, *pair: Mapping[str, Figure]) -> str:
    ours, theirs = (figures.get(row) for figures in pair)
    return f"{ratio(ours, theirs):.2f}" if ours and theirs else NOTHING


def _number(value: float) -> str:
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _aligned(cells: Sequence[Sequence[str]]) -> str:
    widths = [max(len(line[at]) for line in cells) for at in range(len(cells[0]))]
    lines = [
        "| "
        + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        + " |"
        for line in cells
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)
