"""What is seen of the log and of the API, as figures."""

from contextlib import AbstractContextManager
from time import time
from typing import get_args

from starlette.types import Scope

from ...core.model import Page
from ...core.observing import Observer
from ...http.observing import RequestObserver, Waits
from .figures import Figures
from .tallies import Timed

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

OTHER = "other"
"""The label of what whoever asks may choose freely."""


class Measuring(Observer):
    """Makes figures of what a log does."""

    def __init__(self, figures: Figures) -> None:
        self._figures = figures
        self._read, self._waited_for = figures.delivered["false",], figures.delivered["true",]
        self._late = figures.delivery_seconds.add

    def appending(self) -> AbstractContextManager[object]:
        return Timed(self._figures.append_seconds)

    def appended(self, chunks: int, size: int) -> None:
        self._figures.appends.more += 1
        self._figures.chunks.more += chunks
        self._figures.bytes.more += size

    def sealing(self) -> AbstractContextManager[object]:
        return Timed(self._figures.sealing_seconds)

    def looked(self) -> None:
        self._figures.head_polls.more += 1

    def delivered(self, page: Page, waited: bool) -> None:
        if not (chunks := page.chunks):
            return
        if waited:
            self._waited_for.more += len(chunks)
            self._late(time() - chunks[0].timestamp / 1000)
        else:
            self._read.more += len(chunks)


class Counting(RequestObserver):
    """Makes figures of requests and their answers."""

    def __init__(self, figures: Figures) -> None:
        self._figures = figures
        self._readers = {how: figures.readers[how,] for how in get_args(Waits)}

    def answered(self, scope: Scope, status: int, seconds: float) -> None:
        path = getattr(scope.get("route"), "path", OTHER)  # as it is written down, without names
        method = scope["method"] if scope["method"] in _METHODS else OTHER
        self._figures.requests[path, method, str(status)].more += 1
        self._figures.request_seconds[path,].add(seconds)

    def sent(self, size: int) -> None:
        self._figures.sent_bytes.more += size

    def refused(self, code: str) -> None:
        self._figures.refusals[code,].more += 1

    def waiting(self, how: Waits) -> AbstractContextManager[object]:
        return self._readers[how]
