"""The secret key: given in the environment, or made at the first start and kept."""

import logging
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from stat import S_IRGRP, S_IROTH, S_IWGRP, S_IWOTH

from ..core.settings import SECRET_KEY
from .errors import CannotRun

FILE = "secret-key"
"""Name of the file in the data folder."""

OTHERS = S_IRGRP | S_IWGRP | S_IROTH | S_IWOTH
"""What only the owner of the file should be allowed."""

logger = logging.getLogger(__name__)


def secret_key(data: Path, environ: Mapping[str, str]) -> str:
    """Return the key of the environment or else of the *data* folder, made there if missing.

    White space around it is dropped. Two processes that start at once get the same key. Raises
    `CannotRun`.
    """
    if given := environ.get(SECRET_KEY):
        return _usable(given, SECRET_KEY, "give it a key, or unset it")
    path = data / FILE
    try:
        if not path.exists():
            _make(path)
        key = path.read_text(errors="surrogateescape")
        if path.stat().st_mode & OTHERS:
            logger.warning("others can use the secret key in %s: chmod 600 keeps it", path)
    except OSError as error:
        raise CannotRun(f"cannot keep a secret key in {path}: {error.strerror}") from error
    return _usable(key, str(path), "remove it, and a new key is made")


def _usable(key: str, where: str, remedy: str) -> str:
    """Return *key* as a client can show it in a header. Raises `CannotRun`."""
    key = key.strip()
    if not key:
        raise CannotRun(f"{where} is empty: {remedy}")
    if not (key.isascii() and key.isprintable()):
        raise CannotRun(f"{where}: a secret key is one line of printable ASCII characters")
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
