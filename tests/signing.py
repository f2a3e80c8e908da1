"""Public tokens as the published SDKs sign them, for tests to show and to spoil."""

from typing import Any

from runstreams.http.access import SUBJECT
from runstreams.sdk.tokens import signed

ISSUER = "https://id.trigger.dev"
AUDIENCE = "https://api.trigger.dev"
"""What the published SDKs write into a token. They are written, and not asked for."""

LIFE_SECONDS = 15 * 60
"""How long a token is good for unless said otherwise, as in the published SDKs."""


def issue_token(
    key: str, scopes: list[str], now: float, expires_in: float = LIFE_SECONDS, **more: Any
) -> str:
    """Return a token with *scopes*, signed with *key*; *now* is in seconds since 1970."""
    said = {
        "sub": SUBJECT,
        "pub": True,
        "scopes": scopes,
        "iss": ISSUER,
        "aud": AUDIENCE,
        "iat": int(now),
        "exp": int(now + expires_in),
        **more,
    }
    return signed(key, said)
