"""The table as text: each row, server beside server, with the ratio."""

from collections.abc import Mapping, Sequence

from .figures import Figure, ratio

Results = Mapping[str, Mapping[str, Figure]]
"""By server, then by row."""

NOTHING = "-"


def render(rows: Sequence[str], results: Results) -> str:
    """Return the table in Markdown: medians with p99 in brackets, and the ratio of ours to the
    reference where both are there; above 1 ours is ahead.
    """
    pair = _pair(results)
    head = ["", *results, *(["ratio"] if pair else [])]
    lines = [
        [row, *(_cell(figures.get(row)) for figures in results.values()), *_ratio(row, pair)]
        for row in rows
        if any(row in figures for figures in results.values())
    ]
    return _aligned([head, *lines])


def _pair(results: Results) -> list[Mapping[str, Figure]]:
    """Return our figures and the reference's, if both are there."""
    found = [
        next((figures for name, figures in results.items() if name.startswith(start)), None)
        for start in ("runstreams", "reference")
    ]
    return [figures for figures in found if figures] if all(found) else []


def _cell(figure: Figure | None) -> str:
    if figure is None:
        return NOTHING
    p99 = "" if figure.p99 is None else f" (p99 {_number(figure.p99)} ms)"
    return f"{_number(figure.value)} {figure.unit}{p99}"


def _ratio(row: str, pair: Sequence[Mapping[str, Figure]]) -> list[str]:
    if not pair:
        return []
    ours, theirs = (figures.get(row) for figures in pair)
    return [f"{ratio(ours, theirs):.2f}" if ours and theirs else NOTHING]


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
