"""Where a segment should live on one machine: as a file, or as a row of the database.

Prints a table of what putting, reading and deleting costs for three sizes, and what is left on the
disk. Run it as `python bench/objects.py`; docs/embedded-store.md holds a run and its conclusion.
"""

import os
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

KIB = 1024
SIZES = {16 * KIB: 512, 256 * KIB: 128, 2 * KIB * KIB: 32, 8 * KIB * KIB: 16}
"""Bytes of a segment, and how many of them are put."""

RANGE = 16 * KIB
"""Bytes of one ranged read: a reader catching up, or the index at a segment's end."""


class Objects(Protocol):
    """One way to keep segments."""

    def put(self, name: int, body: bytes) -> None: ...
    def get(self, name: int, start: int, end: int) -> bytes: ...
    def delete(self, name: int) -> None: ...
    def settle(self) -> None:
        """Do now what the way has put off: writing back, giving free pages back."""


class Files:
    """Each segment is a file, synced before anybody is told of it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, name: int, body: bytes) -> None:
        file = os.open(self._folder / f"{name}", os.O_WRONLY | os.O_CREAT, 0o600)
        os.write(file, body)
        os.fsync(file)
        os.close(file)
        folder = os.open(self._folder, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)

    def get(self, name: int, start: int, end: int) -> bytes:
        file = os.open(self._folder / f"{name}", os.O_RDONLY)
        body = os.pread(file, end - start, start)
        os.close(file)
        return body

    def delete(self, name: int) -> None:
        (self._folder / f"{name}").unlink()

    def settle(self) -> None:
        """Nothing was put off."""


class Rows:
    """Each segment is a row of a database in WAL mode, written back when the others are."""

    def __init__(self, folder: Path) -> None:
        self._database = sqlite3.connect(folder / "rows.sqlite", isolation_level=None)
        for pragma in (
            "auto_vacuum=2",
            "journal_mode=WAL",
            "synchronous=1",
            "wal_autocheckpoint=0",
        ):
            self._database.execute(f"PRAGMA {pragma}")
        self._database.execute("CREATE TABLE segment (name INTEGER PRIMARY KEY, body BLOB)")

    def put(self, name: int, body: bytes) -> None:
        self._database.execute("INSERT INTO segment VALUES (?, ?)", (name, body))

    def get(self, name: int, start: int, end: int) -> bytes:
        with self._database.blobopen("segment", "body", name, readonly=True) as blob:
            blob.seek(start)
            return blob.read(end - start)

    def delete(self, name: int) -> None:
        self._database.execute("DELETE FROM segment WHERE name = ?", (name,))

    def settle(self) -> None:
        (free,) = self._database.execute("PRAGMA freelist_count").fetchone()
        self._database.execute("BEGIN")
        for _ in range(free):  # Python ends a statement without columns after its first step
            self._database.execute("PRAGMA incremental_vacuum(1)")
        self._database.execute("COMMIT")
        self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def milliseconds(action: Callable[[int], object], names: range) -> tuple[float, float]:
    """Return the median and the longest time of *action*."""
    took = []
    for name in names:
        begin = time.perf_counter()
        action(name)
        took.append((time.perf_counter() - begin) * 1000)
    return statistics.median(took), max(took)


def disk(folder: Path) -> int:
    """Return the bytes that *folder* takes on the disk."""
    return sum(path.stat().st_blocks * 512 for path in folder.iterdir())


def measure(objects: Objects, folder: Path, size: int, count: int) -> Iterator[str]:
    """Yield the cells of one line of the table."""
    body, names, draw = random.randbytes(size), range(count), random.Random(1)
    begin = time.perf_counter()
    yield "{:.3f} / {:.3f}".format(*milliseconds(lambda name: objects.put(name, body), names))
    objects.settle()
    yield f"{(time.perf_counter() - begin) * 1000 / count:.3f}"
    yield f"{disk(folder) / (size * count):.2f}"

    def read(name: int) -> None:
        start = draw.randrange(size - RANGE + 1)
        objects.get(name, start, start + RANGE)

    yield f"{milliseconds(read, names)[0]:.3f}"
    yield f"{milliseconds(lambda name: objects.get(name, 0, size), names)[0]:.3f}"
    yield f"{milliseconds(objects.delete, names)[0]:.3f}"
    begin = time.perf_counter()
    objects.settle()
    yield f"{(time.perf_counter() - begin) * 1000 / count:.3f}"


HEADINGS = (
    "segment",
    "kept as",
    "put p50 / max",
    "put, written back",
    "disk / data",
    "read 16 KiB",
    "read whole",
    "delete",
    "vacuum",
)


def main() -> None:
    """Print the table; times are milliseconds for one segment."""
    print("| " + " | ".join(HEADINGS) + " |")
    print("|" + "---|" * len(HEADINGS))
    for size, count in SIZES.items():
        for way in (Files, Rows):
            with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
                cells = measure(way(Path(name)), Path(name), size, count)
                print("| " + " | ".join([f"{size // KIB} KiB", way.__name__, *cells]) + " |")


if __name__ == "__main__":
    main()
