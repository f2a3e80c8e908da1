"""Routes whose parameters and answers are typed, served by FastAPI."""

from collections.abc import Iterable
from typing import NoReturn

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from ...core.errors import InvalidRequest


def typed_app(routes: Iterable[BaseRoute]) -> ASGIApp:
    """Return what serves *routes*, inside of our own edge, which answers what they raise."""
    app = FastAPI(
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        exception_handlers=dict.fromkeys(
            (HTTPException, RequestValidationError, Exception), _raise
        ),
    )
    router = APIRouter()
    router.routes.extend(routes)
    app.include_router(router)
    # What FastAPI and Starlette do around it serves nothing of ours:
    # https://github.com/fastapi/fastapi/blob/master/fastapi/applications.py.
    return app.build_middleware_stack()


async def _raise(request: Request, error: Exception) -> NoReturn:
    if isinstance(error, RequestValidationError):
        raise InvalidRequest(_first_reason(error)) from None
    raise error


def _first_reason(error: RequestValidationError) -> str:
    reason = error.errors()[0]
    where = ".".join(str(part) for part in reason["loc"] if part not in ("body", "query", "path"))
    return f"{where}: {reason['msg']}" if where else str(reason["msg"])
