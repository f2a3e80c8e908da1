"""What is published, by its files."""

import tarfile
import zipfile
from pathlib import Path

from tests.tools import ROOT

DIST = ROOT / "dist"


def one(pattern: str) -> Path:
    """Return the file of `dist` that *pattern* means. Raises `ValueError` if it is not one."""
    (found,) = DIST.glob(pattern)
    return found


def names(path: Path) -> set[str]:
    """Return the files that a package holds, without the folder that is around all of them."""
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as archive:
            return set(archive.namelist())
    with tarfile.open(path) as archive:
        return {name.partition("/")[2] for name in archive.getnames()}
