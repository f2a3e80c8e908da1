"""Write the sync surface of the SDK, and its tests, from the async ones.

    python scripts/unasync.py [--check]

With --check nothing is written; the files that are not what they should be are named.
What must differ stands in sdk/awaiting.py and sdk/blocking.py, under the same names.
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
    r'"runstreams\.aio"': '"runstreams"',
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


def rendered(source: Path, target: Path) -> str:
    """Return what *target* should be, as ruff has it: no import unused, each line filled."""
    text = source.read_text()
    for word, instead in WORDS.items():
        text = re.sub(word, instead, text)
    origin = source.relative_to(ROOT)
    text = f"# Written by scripts/unasync.py: change {origin}, then `make format`.\n{text}"
    for command in (["check", "--fix-only", "--select=F401,I"], ["format"]):
        ruff = [sys.executable, "-m", "ruff", *command, "-q", f"--stdin-filename={target}", "-"]
        text = subprocess.check_output(ruff, input=text, text=True, cwd=ROOT)
    return text


def complaints(files: dict[Path, str]) -> Iterator[str]:
    """Yield what is not as it should be."""
    for path in sorted({*files, *(TESTS / "sync").glob("*.py")}):
        if not path.exists() or path.read_text() != files.get(path):
            yield f"{path.relative_to(ROOT)} is not what scripts/unasync.py writes: `make format`"
    said = "".join(source.read_text() for source, _ in pairs())
    for word in WORDS:
        if not re.search(word, said):
            yield f"scripts/unasync.py replaces {word!r}, which nothing says"


def main() -> int:
    """Write the sync files; or with --check say which are not as they would be written."""
    files = {target: rendered(source, target) for source, target in pairs()}
    if "--check" in sys.argv:
        found = list(complaints(files))
        print(*found, sep="\n", end="\n" if found else "")
        return 1 if found else 0
    for path in set((TESTS / "sync").glob("*.py")) - set(files):
        path.unlink()
    for path, text in files.items():
        path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
