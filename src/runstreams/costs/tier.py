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

TASK_BUSY = 0.4
"""How much of its processor a task uses where there are as many as there should be."""

LOOK_SECONDS, DELIVERY_SECONDS = 0.002, 0.00008
"""What a look at a stream's head takes of a processor, and an event to one reader: seen on one
machine that was busy with other things as well, not on AWS. `python -m tests.deployed.reader_tier`
measures both.
"""

_BALANCER_ADDRESSES = 2
"""One in each zone."""

UNIT_CONNECTIONS, UNIT_READERS, UNIT_BYTES = 25 * 3600, 3_000, GB
"""What a capacity unit of the balancer is good for in an hour: so many connections that begin, so
many that are open, so many bytes; what there is most of counts.
"""


def tasks(looks: float, readers: float, deliveries: float) -> int:
    """Return how many tasks there are where all streams are looked at *looks* times a second, each
    of them has so many *readers*, and so many events a second are delivered.
    """
    delivering = deliveries * DELIVERY_SECONDS
    spare = TASK_BUSY - looks * LOOK_SECONDS  # of one that has readers of all streams
    if spare > 0 and delivering / spare <= readers:
        return max(LEAST_TASKS, ceil(delivering / spare))
    return max(LEAST_TASKS, ceil((looks * readers * LOOK_SECONDS + delivering) / TASK_BUSY))


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
