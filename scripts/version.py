"""Give all packages a version: wherever one of them, or a page, names its own.

The changelog's heading is written by hand.
    python scripts/version.py 0.2.0
"""

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VERSION = "src/runstreams/_version.py"
OURS = "@runstreams/"
FILE = re.compile(r"(runstreams(?:-react|-ai)?-)\d[\w.]*?(-py3|\.tgz)")


def main(version: str) -> None:
    """Write *version* everywhere."""
    path = ROOT / VERSION
    path.write_text(re.sub(r'(?<=__version__ = ").+(?=")', version, path.read_text()))
    for pattern in (
        "src/*/package.json",
        "src/*/package-lock.json",
        "examples/*/package-lock.json",
    ):
        for path in ROOT.glob(pattern):
            rewrite(path, version)
    for path in ROOT.glob("docs/*.md"):
        path.write_text(FILE.sub(rf"\g<1>{version}\g<2>", path.read_text()))


def rewrite(path: Path, version: str) -> None:
    """Name *version* in a file of npm's, for its own package and those of ours that it knows."""
    found = json.loads(path.read_text())
    for package in [found, *found.get("packages", {}).values()]:
        if package.get("name", "").startswith(OURS):
            package["version"] = version
        peers = package.get("peerDependencies", {})
        peers |= {name: f"^{version}" for name in peers if name.startswith(OURS)}
    path.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
