"""Names that users choose, and how they become parts of object names."""

import hashlib
import unicodedata
from functools import lru_cache
from urllib.parse import quote

from .errors import InvalidName
from .limits import CLIENT_ID_BYTES, KEY_BYTES, RUN_ID_BYTES

ENCODED_BYTES = 255
"""Longest name that is stored as it is, percent-encoded; a longer one is hashed.

S3 allows 1,024 bytes for a whole object name, most file systems 255 for one part of it.
"""

_NAMES_KEPT = 4_096
"""Valid names that a process remembers: each is sent with every request to its stream."""


def check_run(run: str) -> str:
    """Return *run*, a valid run id. Raises `InvalidName`."""
    return _check("run id", run, RUN_ID_BYTES)


def check_key(key: str) -> str:
    """Return *key*, a valid stream key. Raises `InvalidName`."""
    return _check("stream key", key, KEY_BYTES)


def check_client(client: str) -> str:
    """Return *client*, a valid client id. Raises `InvalidName`."""
    return _check("client id", client, CLIENT_ID_BYTES)


def encode(name: str) -> str:
    """Turn any valid *name* into one safe part of an object name; different names never meet.

    A tilde marks a hash: `quote` would leave it alone, so it is escaped in ordinary names.
    """
    encoded = quote(name, safe="").replace("~", "%7E").replace(".", "%2E")
    if len(encoded) <= ENCODED_BYTES:
        return encoded
    return "~" + hashlib.sha256(name.encode()).hexdigest()


@lru_cache(_NAMES_KEPT)
def _check(what: str, name: str, most: int) -> str:
    if not name:
        raise InvalidName(f"the {what} is empty")
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        raise InvalidName(f"the {what} is not valid Unicode") from None
    if size > most:
        raise InvalidName(f"the {what} is longer than {most} bytes", limit=most, size=size)
    if name in (".", ".."):
        raise InvalidName(f"the {what} may not be '{name}'")
    for character in name:
        if character in "/\\" or unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp"):
            raise InvalidName(f"the {what} may not contain {character!r}")
    return name
