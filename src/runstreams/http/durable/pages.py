"""Pages of the one stream that a request of the open protocol found, and of none after it."""

from contextlib import AbstractAsyncContextManager, nullcontext

from ...core.errors import IndexExpired, NotThere
from ...core.log import Log
from ...core.model import Head, Page, StreamId
from ...core.position import tells_of_beginning_anew


async def page_of(
    log: Log,
    stream: StreamId,
    head: Head,
    index: int,
    seconds: float = 0,
    presence: AbstractAsyncContextManager[object] | None = None,
) -> Page:
    """Return what the stream that *head* is holds from *index* on, having waited in *presence* for
    up to *seconds*. Raises `IndexExpired`, and `NotThere` where the stream is gone meanwhile.
    """
    try:
        return await log.read(
            stream,
            index,
            seconds=seconds,
            presence=presence or nullcontext(),
            raw=True,
            generation=head.generation,
        )
    except IndexExpired as error:
        if tells_of_beginning_anew(error):
            raise NotThere("the stream is gone") from error
        raise
