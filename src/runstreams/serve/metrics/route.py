"""`GET /metrics`, for whoever has the secret key, or one that opens nothing else."""

import hmac
from collections.abc import Mapping

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.routing import Route, Router

from ...core.errors import Unauthorized
from ...http.call import Call, Endpoint
from ...http.errors import NO_STORE
from ...http.trigger import UNAUTHORIZED
from .exposition import Exposition

VARIABLE = "RUNSTREAMS_METRICS_KEY"
"""Names a key that may see the figures, and do nothing."""

_KIND = CONTENT_TYPE_LATEST.encode()


class Scrape:
    """Answers with the figures."""

    def __init__(self, exposition: Exposition, environ: Mapping[str, str]) -> None:
        self._exposition = exposition
        self._key = environ.get(VARIABLE, "").strip().encode()

    async def __call__(self, call: Call) -> None:
        """Send the figures. Raises `Unauthenticated`, `Unauthorized`."""
        if not self._has_own_key(call) and not call.grant().everything:
            raise Unauthorized(UNAUTHORIZED)
        body = await self._exposition.text()
        length = (b"content-length", b"%d" % len(body))
        await call.start(200, [length, (b"content-type", _KIND), NO_STORE])
        await call.send({"type": "http.response.body", "body": body})

    def _has_own_key(self, call: Call) -> bool:
        scheme, _, credential = call.headers.get(b"authorization", b"").partition(b" ")
        is_it = hmac.compare_digest(credential.strip(), self._key)
        return bool(self._key) and scheme.lower() == b"bearer" and is_it


def router_of(exposition: Exposition, environ: Mapping[str, str]) -> Router:
    """Return the route at which *exposition* is asked for."""
    scrape = Endpoint({"GET": Scrape(exposition, environ)})
    return Router([Route("/metrics", scrape, name="metrics")])
