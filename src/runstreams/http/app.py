"""The API as one ASGI application, the same on Lambda and on a server of our own."""

from collections.abc import Awaitable, Iterable, Sequence

from starlette.routing import BaseRoute, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from .edge import Edge
from .service import Service

_ANY_DEPTH = ":path}"
"""What stands in a route's path for a part with slashes in it."""


class Api:
    """The routes that carry chunks, what answers everything else, and the edge around both."""

    def __init__(
        self, service: Service, plain: Sequence[BaseRoute], otherwise: ASGIApp | None
    ) -> None:
        """Ask *otherwise* for what no *plain* route takes; None: there is nothing else."""
        self.service = service
        self._edge = Edge(
            _ByDepth(plain, otherwise), service.allowed_origins, service.host.onlooker
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["app"] = self
        await self._edge(scope, receive, send)


class _ByDepth:
    """Asks only the routes whose paths have as many parts as the one that is asked for: a chunk's
    way past all others took longer than its commit.
    """

    def __init__(self, routes: Sequence[BaseRoute], otherwise: ASGIApp | None) -> None:
        """Ask those that take a path of any depth after the others of each."""
        any_depth = [route for route in routes if _ANY_DEPTH in _path(route)]
        by_depth: dict[int, list[BaseRoute]] = {}
        for route in routes:
            if route not in any_depth:
                by_depth.setdefault(_path(route).count("/"), []).append(route)
        self._other = Router(any_depth, redirect_slashes=False, default=otherwise)
        self._routers = {
            depth: Router([*some, *any_depth], redirect_slashes=False, default=otherwise)
            for depth, some in by_depth.items()
        }

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        router = self._routers.get(scope["path"].count("/"), self._other)
        return router(scope, receive, send)


def build_app(service: Service, routers: Iterable[Router]) -> Api:
    """Return the API of *service* with the routes of *routers*.

    Those that are Starlette's own are asked first: a chunk's way through FastAPI's layers takes
    20 µs, a tenth of an append.
    """
    routes = [route for router in routers for route in router.routes]
    plain = [route for route in routes if _is_plain(route)]
    # A fixed word outranks a variable, as at API Gateway.
    plain.sort(key=lambda route: _path(route).count("{"))
    typed = [route for route in routes if not _is_plain(route)]
    return Api(service, plain, _typed_app(typed) if typed else None)


def _path(route: BaseRoute) -> str:
    assert isinstance(route, Route)
    return route.path


def _is_plain(route: BaseRoute) -> bool:
    return type(route) is Route


def _typed_app(routes: Iterable[BaseRoute]) -> ASGIApp:
    from .routes.typed import (
        typed_app,  # brings FastAPI, half of the start of a function that needs none
    )

    return typed_app(routes)
