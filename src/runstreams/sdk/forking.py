"""Forks: the parent's pending work stays the parent's, and the child begins anew."""

# What is registered last is done first around a fork. Pools of threads lock themselves then, and an
# engine that waits for such a lock would never stand still: so they must be registered before us.
import concurrent.futures.thread  # noqa: F401
import os
import threading
import weakref
from typing import Protocol


class Forked(Protocol):
    """What has threads, and may be in use when the process forks."""

    def hold(self, go_on: threading.Event) -> None:
        """Stand still until *go_on*."""

    def forget_parent(self) -> None:
        """Begin anew, in the child."""


class Forks:
    """What is to be done around each fork of this process."""

    def __init__(self) -> None:
        self._known: weakref.WeakSet[Forked] = weakref.WeakSet()
        self._go_on = threading.Event()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(
                before=self._before, after_in_parent=self._in_parent, after_in_child=self._in_child
            )

    def watch(self, one: Forked) -> None:
        """Tell *one* of forks from now on."""
        self._known.add(one)

    def _before(self) -> None:
        self._go_on = threading.Event()
        for one in list(self._known):
            one.hold(self._go_on)

    def _in_parent(self) -> None:
        self._go_on.set()

    def _in_child(self) -> None:
        for one in list(self._known):
            one.forget_parent()


forks = Forks()
