"""What is asked and answered beside chunks, as pydantic models: the edge where JSON is typed."""

from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from ...core.errors import InvalidRequest
from ...core.log import Description
from ...core.model import Run, Status

M = TypeVar("M", bound=BaseModel)


def parsed(model: type[M], body: bytes) -> M:
    """Return *body* as a *model*; an empty one leaves everything to the defaults. Raises
    `InvalidRequest`.
    """
    try:
        return model.model_validate_json(body if body.strip() else b"{}")
    except ValidationError as error:
        reason = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in reason["loc"])
        raise InvalidRequest(f"{where or 'body'}: {reason['msg']}") from None


class Ending(BaseModel):
    """How a stream ended."""

    status: Status
    error: str | None


class StreamInfo(BaseModel):
    """The state of a stream; times are milliseconds since 1970."""

    run: str
    key: str
    first_index: int
    tail: int
    bytes: int
    created: int
    updated: int
    last_append: int | None
    expires: int
    closed: Ending | None
    stop: bool
    writers: int

    @classmethod
    def of(cls, run: str, found: Description) -> "StreamInfo":
        """Return what users see of *found*, a stream of *run*."""
        closed = found.closed
        return cls(
            run=run,
            key=found.key,
            first_index=found.first_index,
            tail=found.tail,
            bytes=found.size,
            created=found.created,
            updated=found.created if found.appended is None else found.appended,
            last_append=found.appended,
            expires=found.expires,
            closed=None if closed is None else Ending(status=closed.status, error=closed.error),
            stop=found.stop,
            writers=found.writers,
        )


class StreamPage(BaseModel):
    """Some streams of a run, by key, and how to ask for those after them."""

    streams: list[StreamInfo]
    next: str | None


class Lineage(BaseModel):
    """Where a run comes from."""

    model_config = ConfigDict(extra="forbid")

    parent: str | None = None
    root: str | None = None


class RunInfo(BaseModel):
    """A run; times are milliseconds since 1970."""

    id: str
    created: int
    expires: int
    parent: str | None
    root: str | None
    completed: int | None

    @classmethod
    def of(cls, run: Run) -> "RunInfo":
        """Return what users see of *run*."""
        return cls(
            id=run.id,
            created=run.created,
            expires=run.expires,
            parent=run.parent,
            root=run.root,
            completed=run.completed,
        )


class RunPage(BaseModel):
    """Some runs, newest first, and how to ask for those after them."""

    runs: list[RunInfo]
    next: str | None


class StreamDeleted(BaseModel):
    """Whether there was a stream to delete."""

    deleted: bool


class RunDeleted(BaseModel):
    """How many streams went with a run."""

    streams: int


class TokenClaims(BaseModel):
    """What the published SDKs put into the public tokens that they sign."""

    sub: str
    pub: bool


class Health(BaseModel):
    """That the service answers."""

    status: str
    version: str
