"""Routes whose parameters and answers are typed, served by FastAPI."""

from collections.abc import Iterable

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from ...core.errors import InvalidRequest
from ..errors import ours, refusal


def typed_app(routes: Iterable[BaseRoute]) -> ASGIApp:
    """Return what serves *routes*, inside of our own edge."""
    app = FastAPI(
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        exception_handlers=dict.fromkeys(
            (HTTPException, RequestValidationError, Exception), _refuse
        ),
    )
    router = APIRouter()
    router.routes.extend(routes)
    app.include_router(router)
    # What FastAPI and Starlette do around it serves nothing of ours.
    return app.build_middleware_stack()


async def _refuse(request: Request, error: Exception) -> Response:
    if isinstance(error, RequestValidationError):
        error = InvalidRequest(_first_reason(error))
    status, headers, body = refusal(ours(error), request.scope["runstreams.request_id"])
    response = Response(body, status)
    response.raw_headers = headers
    return response


def _first_reason(error: RequestValidationError) -> str:
    reason = error.errors()[0]
    where = ".".join(str(part) for part in reason["loc"] if part not in ("body", "query", "path"))
    return f"{where}: {reason['msg']}" if where else str(reason["msg"])
