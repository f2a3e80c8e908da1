"""A run and those above it, what a target means there, and how a process is told of it."""

from collections.abc import Mapping
from typing import NamedTuple

from ..core.names import check_run
from .errors import NoRun

_RUN_ID = "RUNSTREAMS_RUN_ID"
_PARENT_RUN_ID = "RUNSTREAMS_PARENT_RUN_ID"
_ROOT_RUN_ID = "RUNSTREAMS_ROOT_RUN_ID"


class Lineage(NamedTuple):
    """The id of a run, and of those above it."""

    id: str
    parent: str | None = None
    """The run that it was begun in."""
    root: str | None = None
    """The one that nothing is above."""

    def environ(self) -> dict[str, str]:
        """Return the environment variables that put another process into this run."""
        said = {_RUN_ID: self.id, _PARENT_RUN_ID: self.parent, _ROOT_RUN_ID: self.root}
        return {name: value for name, value in said.items() if value is not None}


def of_environ(environ: Mapping[str, str]) -> Lineage | None:
    """Return the run that this process was put into, if it was."""
    if not (run := environ.get(_RUN_ID)):
        return None
    return Lineage(run, environ.get(_PARENT_RUN_ID) or None, environ.get(_ROOT_RUN_ID) or None)


def resolve(target: str | None, run: Lineage | None) -> str:
    """Return the id of the run that *target* means, seen from *run*.

    None and `"self"` mean the run itself, `"parent"` and `"root"` those above it or, where there
    are none, the run itself; anything else is a run's id. Raises `NoRun`, `InvalidName`.
    """
    if target not in (None, "self", "parent", "root"):
        return check_run(target)
    if run is None:
        raise NoRun(
            "no run to write to: name one with target='run_...', or be inside `streams.run(...)`; "
            "a thread is inside by `with run.attach()`"
        )
    return {"parent": run.parent, "root": run.root}.get(target or "self") or run.id


def begun(id: str, parent: str | None, root: str | None, inside: Lineage | None) -> Lineage:
    """Return run *id*, begun *inside* another one, which is its parent unless one is named.

    A run that is entered again keeps what is above it.
    """
    if inside is None or parent is not None or root is not None:
        return Lineage(id, parent, root)
    return inside if inside.id == id else Lineage(id, inside.id, inside.root or inside.id)
