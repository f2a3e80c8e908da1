"""Public tokens for browsers: a JWT, signed by HS256 with the secret key itself."""

import hashlib
import hmac
import json
import re
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping
from typing import Any

from ..core.names import check_key, check_run
from .errors import InvalidSetting

ANY = "*"
"""In place of a run: all of them."""


def scopes_of(granted: Mapping[str, Iterable[str]]) -> list[str]:
    """Return the scopes that allow each action of *granted* for its runs and streams.

    A run is named by its id, a stream by `run/key`, all by `*`. Raises `InvalidName`,
    `InvalidSetting` when nothing is granted.
    """
    scopes = [_scope(action, name) for action, names in granted.items() for name in _each(names)]
    if not scopes:
        raise InvalidSetting("the token would allow nothing: name runs, as in read=['run_1']")
    return scopes


def sign(secret: str, scopes: list[str], now: float, seconds: float) -> str:
    """Return a token with *scopes*, good for *seconds* from *now*, in seconds since 1970."""
    said = {
        "sub": "runstreams",
        "pub": True,
        "scopes": scopes,
        "iss": "https://id.trigger.dev",
        "aud": "https://api.trigger.dev",
        "iat": int(now),
        "exp": int(now + seconds),
    }
    return signed(secret, said)


def signed(secret: str, said: Mapping[str, Any]) -> str:
    """Return what is *said* as a token, signed with *secret* by HS256."""
    head = _part({"alg": "HS256", "typ": "JWT"}) + "." + _part(said)
    signature = hmac.digest(secret.encode(), head.encode(), hashlib.sha256)
    return f"{head}.{_base64(signature)}"


def _each(names: Iterable[str]) -> Iterable[str]:
    return [names] if isinstance(names, str) else names


def _scope(action: str, name: str) -> str:
    if name == ANY:
        return f"{action}:runs"
    run, is_stream, key = name.partition("/")
    check_run(run)
    return f"{action}:streams:{run}/{check_key(key)}" if is_stream else f"{action}:runs:{run}"


def _part(value: Any) -> str:
    return _base64(json.dumps(value, separators=(",", ":")).encode())


def _base64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}

_FORM = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd])")


def seconds_of(duration: float | str) -> float:
    """Return *duration* in seconds: a number of them, or text like `"90s"`, `"15m"`, `"1h"`,
    `"7d"`. Raises `InvalidSetting`.
    """
    if isinstance(duration, str):
        found = _FORM.fullmatch(duration.strip())
        if found is None:
            raise InvalidSetting(f"{duration!r} is not a duration like '90s', '15m', '1h' or '7d'")
        duration = float(found[1]) * _UNITS[found[2]]
    if not 0 < duration < float("inf"):
        raise InvalidSetting(f"a duration must be positive, not {duration}")
    return duration
