"""Several processes that serve one port and one folder, and the parent that keeps them alive.

They inherit the listening socket: whoever is free takes the next connection, and one that waits to
be taken is not lost with a worker that dies, as it would be with a socket for each.

The parent holds no store and starts no thread, so that it may fork at any time. It tells workers to
stop by a signal of its own: a terminal and systemd send theirs to all processes of a group, and a
worker would take what the parent passes on for the second one, which ends it at once.
"""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NoReturn, Protocol

from .errors import CannotRun
from .nudging import Nudges
from .server import SIGNALS

_STOP = signal.SIGUSR1
"""What asks a worker to stop."""

_SOON_SECONDS = 5.0
"""A worker that dies before has died at once: those after it wait, longer each time."""

FIRST_PAUSE, LAST_PAUSE = 0.1, 5.0
"""Seconds that they wait."""

_STEP_SECONDS = 0.05
"""How soon a signal is heeded while they do."""


def shared(most: int, workers: int) -> int:
    """Return each worker's share of *most*, at least one; 0, no limit, is shared as it is."""
    return most and max(1, most // workers)


class Part(Protocol):
    """What a process that serves is told of those beside it."""

    @property
    def signals(self) -> Sequence[int]:
        """What stops it."""

    @property
    def sweeps(self) -> bool:
        """Whether it does what one of them has to do."""

    def ready(self) -> None:
        """Take note that it takes connections."""

    def committed(self) -> None:
        """Take note that it has committed something."""

    def attend(self, look: Callable[[], None], stop: Callable[[], None]) -> None:
        """Have it *look* when others have committed something, and *stop* when they are gone."""


class Alone:
    """The only process."""

    signals = SIGNALS
    sweeps = True

    def __init__(self, ready: Callable[[], None]) -> None:
        self.ready = ready

    def committed(self) -> None:
        """Nobody is there to be told."""

    def attend(self, look: Callable[[], None], stop: Callable[[], None]) -> None:
        """Nobody tells anything."""


class Worker:
    """One of several processes, number *number*."""

    signals = (_STOP,)

    def __init__(self, number: int, nudges: Nudges, parent: int, ready: int) -> None:
        """Write to the pipe *ready*; *parent* is one that ends with the parent."""
        self.sweeps = number == 0
        self._number = number
        self._nudges = nudges
        self._parent = parent
        self._ready = ready

    def ready(self) -> None:
        os.write(self._ready, b"!")
        os.close(self._ready)

    def committed(self) -> None:
        self._nudges.tell_others(self._number)

    def attend(self, look: Callable[[], None], stop: Callable[[], None]) -> None:
        loop = asyncio.get_running_loop()
        self._nudges.listen(self._number, look)

        def orphaned() -> None:
            loop.remove_reader(self._parent)
            stop()

        loop.add_reader(self._parent, orphaned)


class Workers:
    """The workers, as their parent sees them."""

    def __init__(
        self,
        count: int,
        work: Callable[[Part], None],
        no_more: Callable[[], None],
        ended: Callable[[int], None],
    ) -> None:
        """Let each of *count* processes *work*; *no_more* lets go of the port, and *ended* is told
        of each process that ends.
        """
        self._count = count
        self._work = work
        self._no_more = no_more
        self._ended = ended
        self._nudges = Nudges(count)
        self._life, self._alive = os.pipe()
        self._numbers: dict[int, int] = {}
        self._started: dict[int, float] = {}
        self._pause = 0.0
        self._stopping = False

    def run(self, ready: Callable[[], None]) -> None:
        """Keep them running until SIGINT or SIGTERM; call *ready* once all are.

        Raises `CannotRun` if they do not start.
        """
        for each in SIGNALS:
            signal.signal(each, lambda *_: self._stop())
        for number in range(self._count):
            if not self._start(number) and not self._stopping:
                self._stop()
                self._bury_all()
                raise SystemExit(1)  # it has said why
        if not self._stopping:
            ready()
        self._bury_all()

    def _bury_all(self) -> None:
        while self._numbers:
            pid, status = os.wait()
            number = self._numbers.pop(pid)
            self._ended(pid)
            if not self._stopping:
                self._replace(number, pid, os.waitstatus_to_exitcode(status))

    def _replace(self, number: int, pid: int, code: int) -> None:
        lived = time.monotonic() - self._started.pop(pid)
        self._pause = 0.0 if lived > _SOON_SECONDS else _longer(self._pause)
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        soon = f" after {lived:.1f} s; in {self._pause:.1f} s" if self._pause else ";"
        line = f"runstreams: worker {pid} ended by {how}{soon} another takes its place"
        print(line, file=sys.stderr, flush=True)
        until = time.monotonic() + self._pause
        while not self._stopping and time.monotonic() < until:
            time.sleep(_STEP_SECONDS)
        if not self._stopping:
            self._start(number)

    def _start(self, number: int) -> bool:
        """Start worker *number*; return whether it came as far as to take connections."""
        mine, its = os.pipe()
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # until it can be told of them
        pid = os.fork()
        if not pid:
            os.close(mine)
            self._be(Worker(number, self._nudges, self._life, its))
        self._numbers[pid] = number
        self._started[pid] = time.monotonic()
        if self._stopping:
            os.kill(pid, _STOP)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        os.close(its)
        with os.fdopen(mine, "rb", buffering=0) as pipe:
            return bool(pipe.read(1))

    def _be(self, worker: Worker) -> NoReturn:
        """Be *worker*, until the process ends."""
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        os.close(self._alive)
        code = 1
        try:
            self._work(worker)
            code = 0
        except CannotRun as error:
            print(f"runstreams: {error}", file=sys.stderr)
        except BaseException:
            sys.excepthook(*sys.exc_info())
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def _stop(self) -> None:
        """Ask all to stop; asked a second time, end them at once, also those that hear nothing."""
        how = signal.SIGKILL if self._stopping else _STOP
        self._stopping = True
        self._no_more()
        for pid in list(self._numbers):
            with suppress(ProcessLookupError):  # it has ended by itself
                os.kill(pid, how)


def _longer(pause: float) -> float:
    return min(pause * 2 or FIRST_PAUSE, LAST_PAUSE)
