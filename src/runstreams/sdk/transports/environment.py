"""What lies between a client and its server, as the environment has it: a proxy, certificates.

It is read here rather than by httpx, which would send a secret key for this machine to a proxy, and
raises whatever comes of a value that it does not understand.
"""

import os
import ssl
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import Path
from socket import inet_aton
from typing import Any, NamedTuple
from urllib.request import getproxies

import httpx

from ..errors import InvalidSetting

Address = IPv4Address | IPv6Address


class Way(NamedTuple):
    """A proxy to go through, and the environment variable that names it."""

    proxy: str
    variable: str


def open_client(base_url: str, **settings: Any) -> httpx.AsyncClient:
    """Return a client of the server at *base_url*. Raises `InvalidSetting`, naming what of the
    environment cannot be used.
    """
    try:
        url = httpx.URL(base_url)
    except httpx.InvalidURL as error:
        raise InvalidSetting(
            f"the server's address cannot be used: {base_url!r}: {error}"
        ) from None
    way, verify = way_to(url), certificates() if url.scheme == "https" else True
    try:
        proxy = httpx.Proxy(way.proxy) if way else None
        return httpx.AsyncClient(
            base_url=url, proxy=proxy, verify=verify, trust_env=False, **settings
        )
    except (ValueError, ImportError, httpx.InvalidURL) as error:
        if way is None:
            raise
        raise InvalidSetting(f"{way.variable} names no proxy that can be used: {error}") from None


def way_to(url: httpx.URL) -> Way | None:
    """Return the proxy that leads to *url*; None to go there directly, as always on this
    machine.
    """
    proxies = getproxies()
    kind = url.scheme if proxies.get(url.scheme) else "all"
    proxy = proxies.get(kind)
    if not proxy or is_here(url.host) or is_excepted(url, proxies.get("no", "").split(",")):
        return None
    name = f"{kind}_proxy"
    variable = next((each for each in os.environ if each.lower() == name), f"the system's {name}")
    return Way(proxy if "://" in proxy else f"http://{proxy}", variable)


def is_here(host: str) -> bool:
    """Say whether *host* is this machine, by its name or number."""
    name = _bare(host)
    if name == "localhost" or name.endswith(".localhost"):
        return True
    address = _address(name)
    mapped = getattr(address, "ipv4_mapped", None) or address
    return mapped is not None and (mapped.is_loopback or mapped.is_unspecified)


def is_excepted(url: httpx.URL, exceptions: Iterable[str]) -> bool:
    """Say whether one of *exceptions*, the parts of NO_PROXY, means *url*: a name with all below
    it, an address, a network, any of them with a port, or `*`. What is none of these means nothing.
    """
    return any(_means(each.strip().lower(), url) for each in exceptions)


def _means(exception: str, url: httpx.URL) -> bool:
    host, address = _bare(url.host), _address(_bare(url.host))
    if address is not None and (network := _network(exception)) is not None:
        return address in network
    name, _, port = exception.rpartition(":")
    if name and port.isdecimal():
        usual = {"http": 80, "https": 443}.get(url.scheme)
        return int(port) == (url.port or usual) and _means(name, url)
    name = exception.removeprefix("*").removeprefix(".")
    return exception == "*" or (name != "" and (host == name or host.endswith(f".{name}")))


def _network(text: str) -> Any:
    try:
        return ip_network(text.strip("[]"), strict=False)
    except ValueError:
        return None


def _bare(host: str) -> str:
    return host.strip("[]").rstrip(".").lower()


def _address(name: str) -> Address | None:
    try:
        return ip_address(name)
    except ValueError:
        pass
    try:
        return IPv4Address(inet_aton(name))  # as short as 127.1
    except OSError:
        return None


def certificates() -> ssl.SSLContext | bool:
    """Return what a server's certificate is compared with. Raises `InvalidSetting`."""
    if file := os.environ.get("SSL_CERT_FILE"):
        return _trusting("SSL_CERT_FILE", cafile=file)
    if folder := os.environ.get("SSL_CERT_DIR"):
        if not Path(folder).is_dir():
            raise InvalidSetting(f"SSL_CERT_DIR: {folder} is no folder")
        return _trusting("SSL_CERT_DIR", capath=folder)
    return True


def _trusting(variable: str, **where: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(**where)  # type: ignore[arg-type]
    except OSError as error:  # also what is no certificate
        [path] = where.values()
        reason = error.strerror or error
        raise InvalidSetting(f"{variable}: {path} has no certificates: {reason}") from None
