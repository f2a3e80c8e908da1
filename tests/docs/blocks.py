"""The blocks of code in a document."""

import re
from collections.abc import Iterator
from pathlib import Path

BLOCK = re.compile(r"(<!-- not run: .+ -->\n)?^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

FILE = re.compile(
    r"^```\w+\n(?:#|//|<!--) ([\w-]*[./][\w./-]+)(?: -->)?\n(.*?)^```$", re.MULTILINE | re.DOTALL
)
"""A block that is a whole file: its first line is a comment that names it."""

EXPECTED = re.compile(r"# ?> (.+)")
"""A line that stands in the output, which may go on behind it."""


def blocks(path: Path, kind: str) -> Iterator[tuple[int, str]]:
    """Yield the blocks of a *kind* that are to be run, each with the number of lines before it."""
    text = path.read_text()
    for found in BLOCK.finditer(text):
        skip, language, body = found.groups()
        if language == kind and not skip:
            yield text.count("\n", 0, found.start(3)), body


def script(path: Path, kind: str) -> str:
    """Return the blocks of a *kind* that are to be run, as one script."""
    return "\n".join(body for _, body in blocks(path, kind))


def check_output(script: str, output: str) -> None:
    """Check that *output* has the lines that *script* expects, in their order."""
    for line in script.splitlines():
        if expected := EXPECTED.match(line):
            before, found, output = output.partition(expected[1])
            assert found, f"{line!r} is not in {before!r}"


def files(path: Path) -> dict[str, str]:
    """Return the files that a document gives whole, by their names."""
    return dict(FILE.findall(path.read_text()))
