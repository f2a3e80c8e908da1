"""Which of our streams a name of the open protocol means."""

from urllib.parse import quote

from ...core.errors import InvalidName
from ...core.model import StreamId
from ...core.names import check_key, check_run

RUN = "durable-streams"
"""The run of all streams whose names are not a run and a key."""


def stream_of(name: str) -> StreamId:
    """Return the stream of *name*: `run/key` as it is, any other name as a percent-encoded key of
    `RUN`. Different names never meet. Raises `InvalidName`.
    """
    run, _, key = name.partition("/")
    if run != RUN and _is_plain(run, key):
        return StreamId(run, key)
    return StreamId(RUN, check_key(quote(name, safe="")))


def _is_plain(run: str, key: str) -> bool:
    try:
        return check_run(run) == run and check_key(key) == key
    except InvalidName:
        return False
