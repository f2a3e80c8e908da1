"""Where the API meets Lambda: one application a function, made once a process.

Powertools does what every function needs: log lines as JSON with API Gateway's request id, and
metrics in the log. Chunks, secret keys and tokens are in neither.
"""

import asyncio
import os
import time
from collections.abc import Callable, Mapping
from typing import Any, cast

from aws_lambda_powertools.logging import Logger, correlation_paths
from aws_lambda_powertools.metrics import Metrics
from aws_lambda_powertools.utilities.typing import LambdaContext
from mangum import Mangum
from starlette.routing import Router
from starlette.types import ASGIApp, Receive, Scope, Send

from ..core.limits import LAMBDA_BODY_BYTES, WAIT_SECONDS_MAX
from ..core.settings import TRACING, is_on, linger_of
from ..http.app import build_app
from ..http.origin import Origin
from ..http.service import Host
from .invocation import MARGIN_SECONDS, Invocation
from .metrics import NAME, count_answer, count_request, namespace
from .service import service_of

_TEXT_TYPES = ["application/json"]
"""What is handed over as text. Everything else is handed over as base64, which is a third larger:
a control character, which JSON has none of, would be six in Lambda's own JSON.
"""

Event = dict[str, Any]
Answer = dict[str, Any]
Handler = Callable[[Event, LambdaContext], Answer]


def lambda_handler(*routers: Router) -> Handler:
    """Return the Lambda handler of an API with *routers*."""
    logger, metrics = Logger(service=NAME), Metrics(namespace=namespace(os.environ))
    invocation = Invocation()
    host = _host(os.environ, invocation)
    service = service_of(os.environ, metrics, host, invocation.milliseconds_left)
    answer_to = Adapter(build_app(service, routers))

    @metrics.log_metrics(capture_cold_start_metric=True)
    def handle(event: Event, context: LambdaContext) -> Answer:
        invocation.deadline = time.time() + context.get_remaining_time_in_millis() / 1000
        count_request(metrics)
        logger.append_keys(**_about(event))
        answer = answer_to(event, context)
        count_answer(metrics, answer["statusCode"])
        return answer

    @logger.inject_lambda_context(
        correlation_id_path=correlation_paths.API_GATEWAY_HTTP, clear_state=True
    )
    def handle_request(event: Event, context: LambdaContext) -> Answer:
        if _is_request(event):
            answer: Answer = handle(event, context)
            return answer
        logger.info("an event that is no request was left alone")
        return {}

    return _traced(handle_request)


def _is_request(event: object) -> bool:
    """Say whether *event* is to be answered. What keeps functions warm, schedules or tries them
    sends other ones: by then the process has begun, and that is all.
    """
    context = event.get("requestContext") if isinstance(event, dict) else None
    return isinstance(context, dict) and ("http" in context or "httpMethod" in cast(Event, event))


def _about(event: Event) -> dict[str, str]:
    """Return what each log line says of the request: its route, and the run and stream in it."""
    names = event.get("pathParameters") or {}
    return {
        "route": event.get("routeKey") or event.get("resource", ""),
        **{part: name for part, name in names.items() if part in ("run", "target", "key")},
    }


def _host(environ: Mapping[str, str], invocation: Invocation) -> Host:
    return Host(
        wait_seconds_max=WAIT_SECONDS_MAX,
        body_bytes=LAMBDA_BODY_BYTES,
        sse=False,
        disconnects=False,
        time_left=lambda: invocation.seconds_left() - MARGIN_SECONDS,
        linger_ms=linger_of(environ),
        streaming_url=environ.get("RUNSTREAMS_STREAMING_URL") or None,
        origin=Origin.of(environ),
    )


class Adapter:
    """Mangum, on one event loop for the whole life of the process.

    The store's threads and locks belong to a loop, so each invocation runs on the same one.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self._loop)
        # Mangum's lifespan would start and stop the application at each invocation.
        self._answer = Mangum(Settled(app), lifespan="off", text_mime_types=_TEXT_TYPES)

    def __call__(self, event: Event, context: Any) -> Answer:
        asyncio.set_event_loop(self._loop)
        answer: Answer = self._answer(event, context)
        return answer


class Settled:
    """Leaves nothing running behind an answer.

    Lambda freezes the process between invocations, and whatever ran on would go on in the middle of
    a later one, with a connection that has long been closed.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        finally:
            left = asyncio.all_tasks() - {asyncio.current_task()}
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)


def _traced(handle: Handler) -> Handler:
    if not is_on(os.environ, TRACING, usual=False):
        return handle
    from aws_lambda_powertools.tracing import Tracer  # brings the X-Ray SDK, 0.1 s to import

    # Answers hold chunks, which have no business in a trace.
    traced: Handler = Tracer(service=NAME).capture_lambda_handler(handle, capture_response=False)
    return traced
