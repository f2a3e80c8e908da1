"""Routes about runs and streams rather than chunks: list, describe, complete, delete."""

from typing import Annotated, TypeVar

from fastapi import APIRouter, Depends, Query, Request

from ...core.access import Resource, of_run, of_stream
from ...core.errors import no_such
from ...core.limits import LIST_DEFAULT, LIST_MAX, SMALL_BODY_BYTES
from ...core.log import Log
from ...core.model import RunInfo, RunPage, RunStatus, StreamId, StreamInfo, StreamPage
from ...core.names import check_key, check_run
from ...core.runs import place_of
from ..access import SUBJECT
from ..call import Asked, require
from ..leasing import claim_of
from . import health
from .closing import ending_of
from .models import Lineage, RunDeleted, StreamDeleted, TokenClaims

T = TypeVar("T")

router = APIRouter()
router.routes.extend(health.router.routes)


class _Caller(Asked):
    """Who calls, and the log that is managed."""

    def __init__(self, request: Request) -> None:
        """Raises `Unauthenticated`."""
        super().__init__(request.scope, request.receive)
        self.allowed = self.grant()

    def may(self, action: str, *resources: Resource) -> Log:
        """Return the log, if *action* is allowed on one of *resources*. Raises `Unauthorized`."""
        require(self.allowed, (action,), *resources)
        return self.service.log


async def calling(request: Request) -> _Caller:
    """Return who calls: a plain function would be called in a thread."""
    return _Caller(request)


Calling = Annotated[_Caller, Depends(calling)]
Limit = Annotated[int, Query(ge=1, le=LIST_MAX)]


@router.post("/api/v1/auth/jwt/claims")
async def token_claims(caller: Calling) -> TokenClaims:
    """Say what a public token begins with; the holder of the secret key signs it."""
    require(caller.allowed, ())
    return TokenClaims(sub=SUBJECT, pub=True)


@router.get("/api/v1/runs")
async def list_runs(
    caller: Calling,
    limit: Limit = LIST_DEFAULT,
    after: str = "",
    status: RunStatus | None = None,
    parent: str | None = None,
) -> RunPage:
    """List recent runs, newest first; those of a status or of a parent, if it is given."""
    place = place_of(after) if after else None
    if parent is not None:
        check_run(parent)
    log = caller.may("read", ("runs", None))
    return await log.runs.page(limit, place, status, parent)


@router.get("/api/v1/runs/{run}")
async def describe_run(caller: Calling, run: str) -> RunInfo:
    """Describe a run that was registered, completed, or has streams."""
    log = caller.may("read", *of_run(check_run(run)))
    return _there(await log.runs.get(run), "run")


@router.put("/api/v1/runs/{run}")
async def register_run(caller: Calling, run: str) -> RunInfo:
    """Register a run, say where it comes from, or how long its producer promises to live."""
    # Read here rather than by FastAPI, which would read a body of any size before asking who calls.
    above = Lineage.of(await caller.body(SMALL_BODY_BYTES))
    for name in (run, above.parent, above.root):
        if name is not None:
            check_run(name)
    claim = claim_of(caller)
    log = caller.may("manage", *of_run(run))
    if claim is None or claim.ms:
        return await log.runs.register(run, above.parent, above.root, claim)
    registered = await log.runs.register(run, above.parent, above.root)
    return await log.runs.release(run, claim.holder) or registered


@router.post("/api/v1/runs/{run}/complete")
async def complete_run(caller: Calling, run: str) -> RunInfo:
    """Complete a run: its streams close as it ended, and take no more chunks."""
    ended = ending_of(await caller.body(SMALL_BODY_BYTES))
    log = caller.may("manage", *of_run(check_run(run)))
    return await log.complete_run(run, ended.status, ended.error)


@router.delete("/api/v1/runs/{run}")
async def delete_run(caller: Calling, run: str) -> RunDeleted:
    """Delete a run with all its streams."""
    log = caller.may("manage", *of_run(check_run(run)))
    return RunDeleted(streams=await log.delete_run(run))


@router.get("/api/v1/runs/{run}/streams")
async def list_streams(
    caller: Calling, run: str, limit: Limit = LIST_DEFAULT, after: str = ""
) -> StreamPage:
    """List a run's streams by key."""
    check_run(run)
    if after:
        check_key(after)
    return await caller.may("read", *of_run(run)).stream_page(run, limit, after or None)


@router.get("/api/v1/runs/{run}/streams/{key}")
async def describe_stream(caller: Calling, run: str, key: str) -> StreamInfo:
    """Describe a stream."""
    stream = StreamId(check_run(run), check_key(key))
    log = caller.may("read", *of_stream(stream))
    return _there(await log.describe(stream), "stream")


@router.delete("/api/v1/runs/{run}/streams/{key}")
async def delete_stream(caller: Calling, run: str, key: str) -> StreamDeleted:
    """Delete a stream; its name used again starts at 0."""
    stream = StreamId(check_run(run), check_key(key))
    log = caller.may("manage", *of_stream(stream))
    return StreamDeleted(deleted=await log.delete(stream))


def _there(found: T | None, what: str) -> T:
    if found is None:
        raise no_such(what)
    return found
