"""The API as one ASGI application, the same on Lambda and on a server of our own."""

from collections.abc import Awaitable, Iterable, Sequence

from starlette.routing import BaseRoute, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from ..core.errors import NotThere
from . import trigger
from .edge import Edge
from .service import Service

_ANY_DEPTH = ":path}"
"""What stands in a route's path for a part with slashes in it."""


async def _nothing(scope: Scope, receive: Receive, send: Send) -> None:
    raise NotThere(trigger.NOT_FOUND)


class Api:
    """The routes that carry chunks, what answers everything else, and the edge around both."""

    def __init__(
        self, service: Service, plain: Sequence[Route], otherwise: ASGIApp = _nothing
    ) -> None:
        """Ask *otherwise* for what no *plain* route takes."""
        self.service = service
        self._edge = Edge(
            _ByDepth(plain, otherwise), service.allowed_origins, service.host.observer
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["app"] = self
        await self._edge(scope, receive, send)


class _ByDepth:
    """Asks only the routes whose paths have as many parts as the one that is asked for, and hands
    over to the first that fits without any layer between: a chunk's way past all others, through
    Starlette's router, took longer than its commit.

    That a route keeps its `path_regex` stands in
    https://github.com/Kludex/starlette/blob/main/starlette/routing.py.
    """

    def __init__(self, routes: Sequence[Route], otherwise: ASGIApp) -> None:
        """Ask those that take a path of any depth after the others of each."""
        self._any_depth = [route for route in routes if _ANY_DEPTH in route.path]
        self._by_depth: dict[int, list[Route]] = {}
        for route in routes:
            if route not in self._any_depth:
                self._by_depth.setdefault(route.path.count("/"), []).append(route)
        for some in self._by_depth.values():
            some += self._any_depth
        self._otherwise = otherwise

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        path, method, refusing = scope["path"], scope["method"], None
        for route in self._by_depth.get(path.count("/"), self._any_depth):
            if (found := route.path_regex.match(path)) is None:
                continue
            if route.methods and method not in route.methods:
                refusing = refusing or route
                continue
            scope["route"], scope["path_params"] = route, found.groupdict()
            return route.app(scope, receive, send)
        return (refusing.app if refusing else self._otherwise)(scope, receive, send)


def build_app(service: Service, routers: Iterable[Router]) -> Api:
    """Return the API of *service* with the routes of *routers*.

    Those that are Starlette's own are asked first: a chunk's way through FastAPI's layers takes
    20 µs, a tenth of an append.
    """
    routes = [route for router in routers for route in router.routes]
    plain = [route for route in routes if type(route) is Route]
    # A fixed word outranks a variable, as at API Gateway.
    plain.sort(key=lambda route: route.path.count("{"))
    typed = [route for route in routes if type(route) is not Route]
    return Api(service, plain, _typed_app(typed)) if typed else Api(service, plain)


def _typed_app(routes: Iterable[BaseRoute]) -> ASGIApp:
    from .routes.typed import (
        typed_app,  # brings FastAPI, half of the start of a function that needs none
    )

    return typed_app(routes)
