"""The load of `docs/caching.md`: through a cache, or at the server itself."""

import asyncio
import resource
from pathlib import Path
from time import time
from typing import NamedTuple

from tests.caches.load import RUN, Load, by_pages, by_polls, delivered
from tests.caches.serving import PAGES, POLLS, Kind, asked, cached
from tests.serve.process import ServerProcess
from tests.signing import issue_token

LOADS = ((2000, 1), (200, 10))
"""How many readers, and appends a second."""

SECONDS = 60


class Measured(NamedTuple):
    """What became of a load."""

    load: Load
    requests: int
    """How many pages and polls the server was asked for."""


def reading_token(key: str) -> str:
    """Return a token that may read the run."""
    return issue_token(key, [f"read:runs:{RUN}"], time(), 3600)


def through(kind: Kind, folder: Path, readers: int, rate: int, seconds: int) -> Measured:
    """Let *readers* read through a cache. Raises `Failed`."""
    _allow_files()
    with cached(kind, folder) as place:
        server, asking = place.server, by_pages(reading_token(place.server.secret))
        loading = delivered(
            server.port, server.secret, place.port, asking, readers, rate * seconds, rate
        )
        load = asyncio.run(loading)
        return Measured(load, asked(server, PAGES) + asked(server, POLLS))


def without(folder: Path, readers: int, rate: int, seconds: int) -> Measured:
    """Let *readers* read at the server itself. Raises `Failed`."""
    _allow_files()
    with ServerProcess(folder / "data", "--token-max-readers", "0") as server:
        asking = by_polls(reading_token(server.secret))
        loading = delivered(
            server.port, server.secret, server.port, asking, readers, rate * seconds, rate
        )
        return Measured(asyncio.run(loading), asked(server, POLLS))


def _allow_files() -> None:
    """Let this process open as many files as it may."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
