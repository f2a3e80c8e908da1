"""Who calls: the holder of a secret key, or of a public token signed with one."""

import hmac
import logging
import math
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, NamedTuple

from ..core.access import SECRET_KEY, Grant, grant
from ..core.errors import Unauthenticated
from . import trigger

logger = logging.getLogger(__name__)

SUBJECT = "runstreams"
"""Whom a token is for: there is one environment."""

_SHORT_KEY = 16
"""Secret keys with fewer characters work, and are worth a line in the log."""

_TOKENS_KEPT = 1_024
"""Verified tokens that a process remembers, so that a long poll does not verify its token each
time.
"""


class UnknownKey(Unauthenticated, internal=True):
    """The key, or the one that signed the token, is none of those known; it may be newer."""


class _Valid(NamedTuple):
    """What a token allows, and between which times, in seconds since 1970."""

    grant: Grant
    since: float
    until: float


class Keys:
    """The secret keys that are accepted; several while one is replaced by another."""

    def __init__(self, secrets: Iterable[str]) -> None:
        """Accept *secrets*, without the white space around them, which no header can carry.

        One of several may be blank, as is the one before the first real one; it is no key then.
        Raises `ValueError` when none is left, or one was empty.
        """
        given = tuple(secrets)
        self._secrets = tuple(dict.fromkeys(filter(None, (key.encode().strip() for key in given))))
        if not self._secrets or "" in given:
            raise ValueError("a secret key may not be empty")
        if any(len(secret) < _SHORT_KEY for secret in self._secrets):
            logger.warning("a secret key has fewer than %d characters: easy to guess", _SHORT_KEY)
        self._verified: Callable[[bytes], _Valid] = lru_cache(_TOKENS_KEPT)(self._verify)

    def grant(self, authorization: bytes | None, now: int) -> Grant:
        """Return what the holder of an *authorization* header may do at *now*, in milliseconds.

        Raises `Unauthenticated`, of which `UnknownKey` where a newer key may be what is missing.
        """
        scheme, _, credential = (authorization or b"").partition(b" ")
        credential = credential.strip()
        if scheme.lower() != b"bearer" or not credential:
            raise Unauthenticated(trigger.NO_KEY)
        # Every key is compared, so that the time tells nothing about which one was near.
        if sum(hmac.compare_digest(credential, secret) for secret in self._secrets):
            return SECRET_KEY
        if credential.count(b".") != 2:
            raise UnknownKey(trigger.OTHER_KEY)
        valid = self._verified(credential)
        if valid.until * 1000 <= now:
            raise Unauthenticated(trigger.EXPIRED_TOKEN)
        if valid.since * 1000 > now:
            raise Unauthenticated(trigger.INVALID_TOKEN)
        return valid.grant

    def _verify(self, token: bytes) -> _Valid:
        """Return what a *token* signed with one of our keys allows, and when."""
        from .tokens import claims  # kept out of the start-up of those who use only the secret key

        found = next((said for key in self._secrets if (said := claims(token, key))), None)
        if found is None:
            raise UnknownKey(trigger.INVALID_TOKEN)
        return _Valid(grant(_scopes(found)), _time(found.get("nbf", 0)), _time(found.get("exp")))


def _scopes(claims: dict[str, Any]) -> list[str]:
    scopes = claims.get("scopes")
    if claims.get("pub") is not True or not isinstance(scopes, list):
        raise Unauthenticated(trigger.OTHER_TOKEN)
    return [scope for scope in scopes if isinstance(scope, str)]


def _time(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not _is_finite(value):
        raise Unauthenticated(trigger.OTHER_TOKEN)
    return value


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number that is larger than any double
        return False
