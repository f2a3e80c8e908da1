"""Web origins, as whoever allows them may write them, and as browsers name themselves."""

import re
from ipaddress import IPv4Address, IPv6Address
from socket import inet_aton
from urllib.parse import urlsplit

ANY = "*"
"""In the place of an origin: all of them."""

_AS_THEY_ARE = (ANY, "null")
"""`null` is what a page says that has no origin, such as a file's."""

_USUAL_PORTS = {"http": 80, "https": 443}
"""What browsers leave out."""

_DISPUTED = frozenset("ßς\u200c\u200d")
"""Letters that Python knows by the rules of 2003 only."""

_NUMBER = re.compile(r"(^|\.)(\d+|0x[0-9a-f]*)\.?$")
"""Where a host ends so, it is an address."""

_HOST = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?|[0-9a-f:.]*:[0-9a-f:.]*")


def origins_of(text: str) -> tuple[str, ...]:
    """Return the origins of a list that is split by commas. Raises `ValueError`."""
    return tuple(origin_of(part.strip()) for part in text.split(",") if part.strip())


def origin_of(text: str) -> str:
    """Return *text* as a browser would send it. Raises `ValueError` for what no browser sends."""
    if text in _AS_THEY_ARE:
        return text
    if "://" not in text:
        raise ValueError(f"{text!r} is no origin: it begins with https:// or another scheme")
    try:
        parts = urlsplit(text)
        host, port = _host(parts.hostname or ""), parts.port
    except ValueError as error:
        raise ValueError(f"{text!r} is no origin: {error}") from None
    if (
        port == 0
        or "@" in parts.netloc
        or parts.path not in ("", "/")
        or "?" in text
        or "#" in text
    ):
        raise ValueError(f"{text!r} is no origin: that is a scheme, a host and a port")
    if port in (None, _USUAL_PORTS.get(parts.scheme)):
        return f"{parts.scheme}://{host}"
    return f"{parts.scheme}://{host}:{port}"


def _host(name: str) -> str:
    if "*" in name:
        raise ValueError("no part of it may be *, which stands alone and means all origins")
    if _DISPUTED.intersection(name):
        raise ValueError("browsers write it otherwise than older rules have it: write xn--...")
    plain = name if name.isascii() else name.encode("idna").decode()
    if not _HOST.fullmatch(plain):
        raise ValueError("it names no host")
    if ":" in plain:
        return f"[{IPv6Address(plain)}]"
    return str(IPv4Address(_packed(plain))) if _NUMBER.search(plain) else plain


def _packed(number: str) -> bytes:
    """Return an address that may be written in fewer parts, or in other digits."""
    try:
        return inet_aton(number)
    except OSError:
        raise ValueError("it is no address") from None
