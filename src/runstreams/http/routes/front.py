"""What an address alone leads to, and the document that describes all routes. Neither is a secret,
so nobody is asked for a key.
"""

import json
from functools import cache

from starlette.routing import Route, Router

from ..._version import __version__
from ..call import Call, Endpoint
from ..errors import NO_STORE

router = Router()


_ENTRANCE = {
    "name": "runstreams",
    "version": __version__,
    "dashboard": "dashboard",
    "openapi": "openapi.json",
    "health": "health",
}
"""What there is; relative, since a gateway may serve all of this below a stage's name."""


async def enter(call: Call) -> None:
    """Lead a browser to the dashboard, and tell everybody else where there is what."""
    if b"text/html" in call.headers.get(b"accept", b"").lower():
        await call.answer(302, headers=[(b"location", _beside(call, "dashboard")), NO_STORE])
    else:
        await call.answer(200, json.dumps(_ENTRANCE).encode(), [NO_STORE])


def _beside(call: Call, name: str) -> bytes:
    """Return where *name* is from here: below the last part of a path that has no slash at its end,
    as that of a stage.
    """
    asked = str(call.scope.get("aws.event", {}).get("requestContext", {}).get("path", "/"))
    stage = asked.rpartition("/")[2]
    return f"{stage}/{name}".lstrip("/").encode()


async def describe(call: Call) -> None:
    """Send the OpenAPI document."""
    await call.answer(200, _document(), [(b"cache-control", b"no-cache")])


@cache
def _document() -> bytes:
    from ..openapi import document  # not at a function's start, where nobody may ask for it

    return json.dumps(document()).encode()


router.routes.extend(
    [
        Route("/", Endpoint({"GET": enter, "HEAD": enter}), name="enter"),
        Route("/openapi.json", Endpoint({"GET": describe}), name="describe_api"),
    ]
)
