"""Public tokens: HS256 with a secret key itself, as the published SDKs make them."""

import json
from typing import Any

from jwt import PyJWS
from jwt.algorithms import HMACAlgorithm
from jwt.exceptions import PyJWTError


class _AnyLength(HMACAlgorithm):
    """HMAC with any key; a short one was warned of once, when it was configured.

    https://github.com/jpadilla/pyjwt/blob/master/jwt/algorithms.py.
    """

    def prepare_key(self, key: str | bytes) -> bytes:
        return key.encode() if isinstance(key, str) else key

    def check_key_length(self, key: bytes) -> str | None:
        return None


_jws = PyJWS(algorithms=[])
_jws.register_algorithm("HS256", _AnyLength(HMACAlgorithm.SHA256))


def claims(token: bytes, key: bytes) -> dict[str, Any] | None:
    """Return what *token* says; None unless it is signed with *key*, by HS256 and nothing else."""
    try:
        said = json.loads(_jws.decode(token, key, algorithms=["HS256"]))
    except (PyJWTError, ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None
