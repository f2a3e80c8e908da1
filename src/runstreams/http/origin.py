"""A shared cache in front: how it shows that it is there, and that it has checked a token."""

import hmac
import re
from collections.abc import Iterable, Mapping

VARIABLE = "RUNSTREAMS_ORIGIN_SECRET"
"""What has the secret in the environment; several, while one is replaced by another."""

LEAST = 16
"""Characters of a secret: whoever guesses it reads everything."""

_SHOWN = b"x-stream-origin-secret"
_THERE = b"x-stream-shared"


class Origin:
    """Knows the caches that stand before the API."""

    def __init__(self, secrets: str = "") -> None:
        """Trust whoever shows one of *secrets*, which stand apart by white space or commas.

        Raises `ValueError` for a short one.
        """
        found = [secret.encode() for secret in re.split(r"[\s,]+", secrets) if secret]
        if any(len(secret) < LEAST for secret in found):
            raise ValueError(f"a secret has at least {LEAST} characters")
        self._secrets: Iterable[bytes] = tuple(dict.fromkeys(found))

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> "Origin":
        """Return those that *environ* says to trust. Raises `ValueError`."""
        try:
            return cls(environ.get(VARIABLE, ""))
        except ValueError as error:
            raise ValueError(f"{VARIABLE}: {error}") from None

    def vouches(self, headers: Mapping[bytes, bytes]) -> bool:
        """Say whether a cache has checked the token of a request with *headers*."""
        shown = headers.get(_SHOWN, b"")
        # Every secret is compared, so that the time tells nothing about which one was near.
        return sum(hmac.compare_digest(shown, secret) for secret in self._secrets) > 0


def is_behind_cache(headers: Mapping[bytes, bytes]) -> bool:
    """Say whether a request with *headers* came through a cache that gives pages to many."""
    return headers.get(_THERE, b"").strip().lower() == b"true"
