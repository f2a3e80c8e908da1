"""Write the sync surface of the SDK, and its tests, from the async ones.

    python scripts/unasync.py [--check]

With --check nothing is written; the files that are not what they should be are named.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
SDK = ROOT / "src" / "runstreams" / "sdk"
TESTS = ROOT / "tests" / "sdk"

WORDS = {
    # Python
    r"\basync (?=def|with|for\b)": "",
    r"\bawait ": "",
    r"\b__a(?=(iter|next|enter|exit)__)": "__",
    r"\ba(?=(next|call|close|client)\b)": "",
    r"\bAsync(?=(Client|Iterator)\b)": "",
    r"\b(Awaitable\[R\]|Coroutine\[Any, Any, R\])": "R",
    # modules
    r"\bawaiting import": "blocking import",
    r"\bin_tasks import": "in_threads import",
    r"\brunstreams\.aio import": "runstreams import",
    r"\bsdk\.aio\b": "sdk.sync",
    # sentences
    r"\basync surface": "sync surface",
    r"\bawaited in any event loop": "made in any thread",
    r"n async context manager": " context manager",
    r"\basync iterator": "iterator",
    r"\bcoroutine functions": "functions",
    r"\s+A\s+plain call[^.]*\.": "",
}
"""What an async text says, and what a sync one says instead."""


def pairs() -> Iterator[tuple[Path, Path]]:
    """Yield each async file and the sync one that is written from it."""
    yield SDK / "aio.py", SDK / "sync.py"
    for source in sorted((TESTS / "aio").glob("*.py")):
        yield source, TESTS / "sync" / source.name


def sync(text: str) -> str:
    """Return *text* with each of the WORDS replaced."""
    for word, instead in WORDS.items():
        text = re.sub(word, instead, text)
    return text


def tidied(text: str, path: Path) -> str:
    """Return *text* as ruff has it: shorter lines joined, imports sorted and those unused gone."""
    for command in (["check", "--fix-only", "--select=F401,I"], ["format"]):
        ruff = [sys.executable, "-m", "ruff", *command, "--quiet", f"--stdin-filename={path}", "-"]
        text = subprocess.run(
            ruff, input=text, capture_output=True, text=True, check=True, cwd=ROOT
        ).stdout
    return text


def expected() -> dict[Path, str]:
    """Return what each sync file should be."""
    files = {}
    for source, target in pairs():
        origin = source.relative_to(ROOT)
        header = f"# Written by scripts/unasync.py: change {origin}, then `make format`.\n"
        files[target] = tidied(header + sync(source.read_text()), target)
    return files


def main() -> int:
    """Write the sync files, or with --check return 1 when one is not as it would be written."""
    files = expected()
    there = {SDK / "sync.py", *(TESTS / "sync").glob("*.py")}
    if "--check" not in sys.argv:
        for path in there - set(files):
            path.unlink()
        for path, text in files.items():
            path.write_text(text)
        return 0
    found = {path: path.read_text() for path in there}
    stale = [path for path in there | set(files) if found.get(path) != files.get(path)]
    for path in sorted(stale):
        print(f"{path.relative_to(ROOT)} is not what scripts/unasync.py writes: `make format`")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
