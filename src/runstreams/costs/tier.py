"""What the always-on tier for readers costs: tasks of Fargate behind a balancer, as
`deploy/readers.yaml` has them.
"""

from collections.abc import Iterator
from math import ceil

from . import prices
from .prices import GB, Price

HOURS = 730
"""Of a month."""

TASK_CPUS, TASK_GB = 1, 2
"""What a task has."""

LEAST_TASKS = 2
"""One in each of two zones."""

TASK_READERS = 1_000
"""Readers of a task."""

_BALANCER_ADDRESSES = 2
"""One in each zone."""

UNIT_CONNECTIONS, UNIT_READERS, UNIT_BYTES = 25 * 3600, 3_000, GB
"""What a capacity unit of the balancer is good for in an hour: so many connections that begin, so
many that are open, so many bytes; what there is most of counts.
"""


def tasks(readers: float) -> int:
    """Return how many tasks so many *readers* on average need."""
    return max(LEAST_TASKS, ceil(readers / TASK_READERS))


def standing(tasks: int) -> Iterator[tuple[Price, float]]:
    """Yield what a month of so many *tasks* takes, whoever reads."""
    yield prices.TASK_CPU, tasks * TASK_CPUS * HOURS
    yield prices.TASK_MEMORY, tasks * TASK_GB * HOURS
    yield prices.BALANCER, HOURS
    yield prices.ADDRESSES, (tasks + _BALANCER_ADDRESSES) * HOURS


def balanced(connections: float, reader_seconds: float, sent: float) -> float:
    """Return the hours of capacity units that readers take, and the bytes that are *sent* them."""
    return max(
        connections / UNIT_CONNECTIONS, reader_seconds / 3600 / UNIT_READERS, sent / UNIT_BYTES
    )
