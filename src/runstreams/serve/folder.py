"""The data folder: the streams and the secret key of one machine."""

import os
from pathlib import Path

from .errors import CannotRun


def open_folder(path: Path) -> None:
    """Make the folder unless it is there, for its owner only. Raises `CannotRun`."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise CannotRun(f"cannot use {path} as data folder: {error.strerror}") from error
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        raise CannotRun(f"cannot use {path} as data folder: it is not writable")
