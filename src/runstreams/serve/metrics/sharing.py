"""The figures of all workers as one: each writes its own into files of a folder, whoever is asked
adds them up.

The client library decides by a variable of the environment how it keeps figures, once, when it is
imported; so the parent sets it before it has workers, and imports nothing of the library before.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from ..errors import CannotRun

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"

_LIVE = "gauge_livesum_"
"""How the library's files begin that only a worker has which is alive."""


@contextmanager
def shared_figures(workers: int) -> Iterator[None]:
    """Let *workers* keep their figures in a fresh folder, below the one that the variable names if
    it names one; a single one keeps them to itself. Raises `CannotRun`.
    """
    within = os.environ.pop(VARIABLE, None) or None
    if workers == 1:
        yield
        return
    with _fresh_folder(within) as folder:
        os.environ[VARIABLE] = folder
        yield


def _fresh_folder(within: str | None) -> "TemporaryDirectory[str]":
    try:
        return TemporaryDirectory(prefix="runstreams-", dir=within)
    except OSError as error:
        where = within or "any temporary folder"
        raise CannotRun(f"the workers' figures cannot lie in {where}: {error.strerror}") from error


def folder() -> str | None:
    """Return where the workers' figures are; None: there is one process only."""
    return os.environ.get(VARIABLE)


def forget(worker: int) -> None:
    """Drop what the process *worker* had, since it has ended; what it did still counts."""
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(worker)  # type: ignore[no-untyped-call]


def alive(shared: str) -> Iterable[int]:
    """Return the processes whose figures lie in the folder *shared*, and which have not ended."""
    return (int(path.stem.removeprefix(_LIVE)) for path in Path(shared).glob(f"{_LIVE}*.db"))
