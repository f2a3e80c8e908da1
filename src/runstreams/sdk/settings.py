"""What a client may be told, and what it takes from the environment."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from ..core.public import public
from ..core.settings import SECRET_KEY
from .errors import InvalidSetting

URL = "RUNSTREAMS_URL"

_LOCAL = "http://127.0.0.1:8787"
"""Where `runstreams serve` listens unless told otherwise."""

Token = str | Callable[[], str] | Callable[[], Awaitable[str]]
"""A secret key or public token, or what returns one; it is asked again when one is refused."""


@public
@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long a client waits, in seconds."""

    connect: float = 10
    """For a connection."""
    request: float = 30
    """For an answer, beyond what the request itself asks the server to wait."""
    stall: float = 25
    """For a sign of life on an event stream; the server gives one every 10 seconds."""
    flush: float = 60
    """For an acknowledgement, when a run, a client or the program ends and something is unsent."""


def base_url_of(given: str | None, environ: Mapping[str, str]) -> str:
    """Return the server's address, without a slash at its end. Raises `InvalidSetting`."""
    url = (given or environ.get(URL) or _LOCAL).strip().rstrip("/")
    name = "the server's address" if given or not environ.get(URL) else URL
    if not url.lower().startswith(("http://", "https://")):
        raise InvalidSetting(f"{name} must begin with http:// or https://: {url!r}")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise InvalidSetting(f"{name} cannot be used: {url!r}: {error}") from None
    if not parts.hostname or port == 0 or any(map(str.isspace, parts.hostname)):
        raise InvalidSetting(f"{name} names no server: {url!r}")
    return url


def without_secrets(url: str) -> str:
    """Return *url* without what may stand before its host: a user's name and password."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query=""))


def token_of(given: Token | None, environ: Mapping[str, str]) -> Token:
    """Return the key or token to show. Raises `InvalidSetting` where there is none."""
    found = given or environ.get(SECRET_KEY)
    if isinstance(found, str):
        found = found.strip()
        if not (found.isascii() and found.isprintable()):
            name = "a key or token" if given else SECRET_KEY
            raise InvalidSetting(f"{name} is made of printable ASCII characters")
    if not found:
        raise InvalidSetting(f"no key to show: set {SECRET_KEY}, or give the client a token=")
    return found
