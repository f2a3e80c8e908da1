"""The secret key: given in the environment, or made at the first start and kept."""

import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from .errors import CannotRun

VARIABLE = "RUNSTREAMS_SECRET_KEY"

FILE = "secret-key"
"""Name of the file in the data folder."""


def secret_key(data: Path, environ: Mapping[str, str]) -> str:
    """Return the key of the environment or else of the *data* folder, made there if missing.

    Two processes that start at once get the same key. Raises `CannotRun`.
    """
    if given := environ.get(VARIABLE):
        return given
    path = data / FILE
    try:
        if not path.exists():
            _make(path)
        key = path.read_text().strip()
    except OSError as error:
        raise CannotRun(f"cannot keep a secret key in {path}: {error.strerror}") from error
    if not key:
        raise CannotRun(f"{path} is empty: remove it, and a new key is made")
    return key


def _make(path: Path) -> None:
    """Write a fresh key to *path*, whole or not at all, unless another process has done so."""
    # A link fails where a rename would replace the key that another process may already use.
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(descriptor, "w") as file:
            file.write(f"rs_{secrets.token_urlsafe(32)}\n")
            file.flush()
            os.fsync(descriptor)
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        os.unlink(draft)
