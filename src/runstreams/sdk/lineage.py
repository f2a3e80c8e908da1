"""Which run we are in, what lies above it, and what a target means."""

import os
import threading
from collections.abc import Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING

from ..core.names import check_run
from .errors import NoRun

if TYPE_CHECKING:
    from .outflow import Outflow

RUN_ID = "RUNSTREAMS_RUN_ID"
PARENT_RUN_ID = "RUNSTREAMS_PARENT_RUN_ID"
ROOT_RUN_ID = "RUNSTREAMS_ROOT_RUN_ID"
"""How a process is told which run it belongs to."""


class Run:
    """A run, those above it, and what is being written in it."""

    def __init__(self, id: str, parent_id: str | None = None, root_id: str | None = None) -> None:
        self.id = id
        self.parent_id = parent_id
        self.root_id = root_id
        self._lock = threading.Lock()
        self._outflows: set[Outflow] = set()

    def environ(self) -> dict[str, str]:
        """Return the environment variables that put another process into this run."""
        said = {RUN_ID: self.id, PARENT_RUN_ID: self.parent_id, ROOT_RUN_ID: self.root_id}
        return {name: value for name, value in said.items() if value is not None}

    def adopt(self, outflow: "Outflow") -> None:
        """Wait for *outflow* at the end of the run."""
        with self._lock:
            self._outflows.add(outflow)
        outflow.result.add_done_callback(lambda _: self._forget(outflow))

    @property
    def outflows(self) -> "list[Outflow]":
        """What was begun in this run, and has not ended well."""
        with self._lock:
            return [flow for flow in self._outflows if flow.is_ours]

    def _forget(self, outflow: "Outflow") -> None:
        if outflow.result.exception() is None:
            with self._lock:
                self._outflows.discard(outflow)


current: ContextVar[Run | None] = ContextVar("runstreams.run", default=None)
"""The innermost run that was entered here."""


def current_run(environ: Mapping[str, str] = os.environ) -> Run | None:
    """Return the run we are in: the innermost `streams.run`, or else the environment's."""
    if (found := current.get()) is not None:
        return found
    if not (run := environ.get(RUN_ID)):
        return None
    return Run(run, environ.get(PARENT_RUN_ID) or None, environ.get(ROOT_RUN_ID) or None)


def resolve(target: str | None, run: Run | None) -> str:
    """Return the id of the run that *target* means, seen from *run*.

    None and `"self"` mean the run itself, `"parent"` and `"root"` those above it or, where there
    are none, the run itself; anything else is a run's id. Raises `NoRun`, `InvalidName`.
    """
    if target not in (None, "self", "parent", "root"):
        return check_run(target)
    if run is None:
        raise NoRun(
            "no run to write to: name one with target='run_...', or be inside `streams.run(...)`"
        )
    above = {"parent": run.parent_id, "root": run.root_id}.get(target or "self")
    return above or run.id


def begun(id: str, parent: str | None, root: str | None, inside: Run | None) -> Run:
    """Return run *id*, begun *inside* another one, which is its parent unless one is named.

    A run that is entered again keeps what is above it.
    """
    if inside is None or parent is not None or root is not None:
        return Run(id, parent, root)
    if inside.id == id:
        return Run(id, inside.parent_id, inside.root_id)
    return Run(id, inside.id, inside.root_id or inside.id)
