#!/usr/bin/env python3
"""Draw the rooms of the package and the imports between them, as docs/images/architecture.svg.

A room stands on a floor above all that it imports; an arrow that others imply is left out.
    scripts/picture.py [--check]
"""

import ast
import sys
from collections.abc import Iterator
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "runstreams"
FILE = ROOT / "docs" / "images" / "architecture.svg"

PUBLIC = ("__init__.py", "aio.py", "errors.py", "pytest_plugin.py", "transport.py")
"""What users import."""

LEFT_OUT = ("_version.py", "__main__.py")
"""What everybody may import, and what nobody does."""

LINE, LETTER, PAD, GAP, CLIMB = 15, 6.2, 14, 26, 64
"""Sizes in pixels: a line of text, a letter, the rim of a room, and what lies between rooms."""

Rooms = dict[str, list[Path]]
Arrows = dict[str, set[str]]


def rooms() -> Rooms:
    """Return the modules of each room, by its name."""
    found: Rooms = {"functions": sorted((ROOT / "functions").glob("*/*.py"))}
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).parts[0]
        if name not in LEFT_OUT:
            room = "runstreams" if name in PUBLIC else name.removesuffix(".py")
            found.setdefault(room, []).append(path)
    return found


def imported(path: Path) -> Iterator[str]:
    """Yield the rooms that a module imports."""
    inside = PACKAGE in path.parents
    package = ("runstreams", *path.relative_to(PACKAGE).parts[:-1]) if inside else ()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = (*base, *(node.module.split(".") if node.module else ()))
            if module[:1] == ("runstreams",):
                yield from [module[1]] if module[1:] else [name.name for name in node.names]


def arrows(found: Rooms) -> Arrows:
    """Return which rooms each room imports, those left out that follow from others."""
    drawn = {
        room: {name for path in paths for name in imported(path) if name in found} - {room}
        for room, paths in found.items()
    }

    def beyond(room: str) -> set[str]:
        return {far for near in drawn[room] for far in {near} | beyond(near)}

    return {
        room: {to for to in near if not any(to in beyond(other) for other in near)}
        for room, near in drawn.items()
    }


def floors(drawn: Arrows) -> list[list[str]]:
    """Return the rooms of each floor, the ground first, each about above what it imports."""

    def floor(room: str) -> int:
        return 1 + max((floor(below) for below in drawn[room]), default=-1)

    across: dict[str, float] = {}

    def middle(room: str) -> tuple[float, str]:
        below = [across[to] for to in drawn[room]]
        return sum(below) / max(len(below), 1), room

    found: list[list[str]] = []
    while level := sorted((room for room in drawn if floor(room) == len(found)), key=middle):
        across |= {room: (at + 0.5) / len(level) for at, room in enumerate(level)}
        found.append(level)
    return found


def lines(room: str, paths: list[Path]) -> list[str]:
    """Return what is written in a room: its modules, a line for each folder."""
    if room == "functions":
        return [" ".join(path.parent.name for path in paths)]
    if len(paths) == 1:
        return []
    inside: dict[str, list[str]] = {}
    for path in paths:
        parts = path.relative_to(PACKAGE).parts
        folder = "/".join(parts[1:-1])
        if path.name != "__init__.py" or room == "runstreams":
            inside.setdefault(folder, []).append(path.stem.replace("__init__", "runstreams"))
    return [line for folder in sorted(inside) for line in _wrapped(folder, inside[folder])]


def _wrapped(folder: str, names: list[str]) -> Iterator[str]:
    line = f"{folder}:" if folder else ""
    for name in names:
        if len(line) + len(name) > 34:
            yield line
            line = "  " if folder else ""
        line = f"{line} {name}".lstrip() if not line.startswith("  ") else f"{line} {name}"
    yield line


Box = tuple[float, float, float, float]


def boxes(levels: list[list[str]], texts: dict[str, list[str]]) -> dict[str, Box]:
    """Return where each room is: left, top, width, height."""
    sizes = {
        room: (
            2 * PAD + LETTER * max(len(text) for text in (room + "   ", *texts[room])),
            2 * PAD + LINE * (1 + len(texts[room])),
        )
        for level in levels
        for room in level
    }
    widths = [sum(sizes[room][0] + GAP for room in level) - GAP for level in levels]
    placed: dict[str, Box] = {}
    top = GAP
    for level, width in reversed(list(zip(levels, widths, strict=True))):
        left = GAP + (max(widths) - width) / 2
        for room in level:
            placed[room] = (left, top, *sizes[room])
            left += sizes[room][0] + GAP
        top += max(sizes[room][1] for room in level) + CLIMB
    return placed


def picture() -> str:
    """Return the whole drawing."""
    found = rooms()
    drawn = arrows(found)
    texts = {room: lines(room, paths) for room, paths in found.items()}
    placed = boxes(floors(drawn), texts)
    width = max(left + wide for left, _, wide, _ in placed.values()) + GAP
    height = max(top + high for _, top, _, high in placed.values()) + GAP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        'font-family="ui-monospace, Menlo, Consolas, monospace" font-size="10.3">',
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" fill="#7a8699"/></marker></defs>',
        f'<rect width="{width:.0f}" height="{height:.0f}" fill="#fbfbfa"/>',
        *(_arrow(placed, room, to) for room in drawn for to in sorted(drawn[room])),
        *(_room(room, placed[room], texts[room]) for room in placed),
        "</svg>\n",
    ]
    return "\n".join(parts)


def _arrow(placed: dict[str, Box], room: str, to: str) -> str:
    left, top, wide, high = placed[room]
    under, below, across, _ = placed[to]
    x, y, u = left + wide / 2, top + high, under + across / 2
    u += max(-across / 3, min(across / 3, x - u))
    bend = (below - y) / 2
    return (
        f'<path d="M{x:.0f} {y:.0f}C{x:.0f} {y + bend:.0f} {u:.0f} {below - bend:.0f} '
        f'{u:.0f} {below:.0f}" fill="none" stroke="#7a8699" marker-end="url(#tip)"/>'
    )


def _room(name: str, box: Box, texts: list[str]) -> str:
    left, top, wide, high = box
    rows = "".join(
        f'<text x="{left + PAD:.0f}" y="{top + PAD + 10 + LINE * at:.0f}" '
        f'xml:space="preserve" fill="#4a5568">{escape(text)}</text>'
        for at, text in enumerate(texts, 1)
    )
    return (
        f'<rect x="{left:.0f}" y="{top:.0f}" width="{wide:.0f}" height="{high:.0f}" rx="7" '
        'fill="#ffffff" stroke="#c4cbd6"/>'
        f'<text x="{left + PAD:.0f}" y="{top + PAD + 9:.0f}" font-weight="bold" font-size="12" '
        f'fill="#1a202c">{escape(name)}</text>{rows}'
    )


if __name__ == "__main__":
    now = picture()
    if "--check" in sys.argv:
        if FILE.read_text() != now:
            sys.exit(
                f"{FILE.relative_to(ROOT)} is not what the imports say: run scripts/picture.py"
            )
    else:
        FILE.write_text(now)
