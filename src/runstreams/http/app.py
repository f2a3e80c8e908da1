"""The API as one FastAPI application, the same on Lambda and on a server of our own."""

import logging
from collections.abc import Iterable, Sequence

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from .edge import Edge
from .errors import ours, refusal
from .service import Service


class Api(FastAPI):
    """FastAPI, with the routes that carry chunks in front of it and the edge around both."""

    def __init__(self, service: Service, plain: Sequence[BaseRoute]) -> None:
        super().__init__(
            docs_url=None,
            redoc_url=None,
            openapi_url=None,
            redirect_slashes=False,
            exception_handlers=dict.fromkeys(
                (HTTPException, RequestValidationError, Exception), _refuse
            ),
        )
        self.state.service = service
        self._plain = plain

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # What FastAPI and Starlette do here beside it takes 6 µs and serves nothing of ours.
        if self.middleware_stack is None:
            self.middleware_stack = self.build_middleware_stack()
        scope["app"] = self
        await self.middleware_stack(scope, receive, send)

    def build_middleware_stack(self) -> ASGIApp:
        # A chunk's way through FastAPI's own layers takes 20 µs, a tenth of an append.
        inside = super().build_middleware_stack()
        router = Router(self._plain, redirect_slashes=False, default=inside)
        service: Service = self.state.service
        return Edge(router, service.allowed_origins)


def build_app(service: Service, routers: Iterable[APIRouter]) -> FastAPI:
    """Return the API of *service* with the routes of *routers*."""
    routers = tuple(routers)
    plain = [route for router in routers for route in router.routes if not _is_typed(route)]
    # A fixed word outranks a variable, as at API Gateway.
    plain.sort(key=lambda route: str(route.path).count("{"))  # type: ignore[attr-defined]
    app = Api(service, plain)
    for router in routers:
        typed = APIRouter()
        typed.routes.extend(filter(_is_typed, router.routes))
        app.include_router(typed)
    _quieten_uvicorn()
    return app


def _is_typed(route: BaseRoute) -> bool:
    return isinstance(route, APIRoute)


async def _refuse(request: Request, error: Exception) -> Response:
    status, headers, body = refusal(ours(error), request.scope["runstreams.request_id"])
    response = Response(body, status)
    response.raw_headers = headers
    return response


class _NotOurBreaks(logging.Filter):
    """Drops the line that uvicorn writes when an answer is broken off, as we do on purpose."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.msg != "ASGI callable returned without completing response."


_breaks = _NotOurBreaks()


def _quieten_uvicorn() -> None:
    logging.getLogger("uvicorn.error").addFilter(_breaks)
