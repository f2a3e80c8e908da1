"""Where the API meets Lambda: one application a function, made once a process.

Powertools does what every function needs: log lines as JSON with API Gateway's request id, and
metrics in the log. Chunks, secret keys and tokens are in neither.
"""

import asyncio
import os
import time
from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

from aws_lambda_powertools.logging import Logger, correlation_paths
from aws_lambda_powertools.metrics import Metrics, MetricUnit
from aws_lambda_powertools.utilities.data_classes.api_gateway_proxy_event import (
    APIGatewayProxyEventV2,
)
from aws_lambda_powertools.utilities.typing import LambdaContext
from fastapi import APIRouter, Request
from mangum import Mangum
from starlette.types import ASGIApp, Receive, Scope, Send

from ..core.limits import DAY_MS, LAMBDA_BODY_BYTES, WAIT_SECONDS_MAX, Limits
from ..core.log import Log
from ..core.model import Appended, Batch, StreamId
from ..core.ports import Store
from ..stores.aws import AwsStore
from .access import Keys
from .app import build_app
from .service import Host, Service

NAME = "runstreams"
"""Namespace of the metrics, and the logger above all of ours."""

TEXT_TYPES = ["application/json", "application/x-ndjson", "text/"]
"""What is handed over as text; everything else as base64."""

MARGIN_SECONDS = 2.0
"""What a wait leaves of the function's time: to read a page, render it and hand it over."""

THREADS = 16
"""Calls to AWS at a time. A process has one request at a time, and a page may need many objects."""

Event = dict[str, Any]
Answer = dict[str, Any]
Handler = Callable[[Event, LambdaContext], Answer]


def handler(*routers: APIRouter) -> Handler:
    """Return the Lambda handler of an API with *routers*."""
    logger, metrics = Logger(service=NAME), Metrics(namespace=NAME)
    invocation = Invocation()
    app = build_app(service_of(os.environ, invocation, metrics), routers)
    answer_to = Adapter(app)

    @logger.inject_lambda_context(
        correlation_id_path=correlation_paths.API_GATEWAY_HTTP, clear_state=True
    )
    @metrics.log_metrics(capture_cold_start_metric=True)
    def handle(event: Event, context: LambdaContext) -> Answer:
        invocation.context = context
        metrics.add_metric("Requests", MetricUnit.Count, 1)
        logger.append_keys(route=APIGatewayProxyEventV2(event).route_key)
        answer = answer_to(event, context)
        metrics.add_metric("Failures", MetricUnit.Count, int(answer["statusCode"] >= 500))
        return answer

    return _traced(handle)


class Invocation:
    """The invocation that the process is busy with; there is never more than one."""

    context: LambdaContext

    def milliseconds_left(self) -> int:
        """Return the function's time that is left."""
        return self.context.get_remaining_time_in_millis()


class CountingLog(Log):
    """A log that counts what is appended to it."""

    def __init__(self, metrics: Metrics, store: Store, **settings: Any) -> None:
        super().__init__(store, **settings)
        self._metrics = metrics

    async def append(self, stream: StreamId, batch: Batch) -> Appended:
        answer = await super().append(stream, batch)
        if answer.first is not None and answer.last is not None:
            added = answer.last - answer.first + 1
            self._metrics.add_metric("Appends", MetricUnit.Count, 1)
            self._metrics.add_metric("Chunks", MetricUnit.Count, added)
            self._metrics.add_metric("Bytes", MetricUnit.Bytes, batch.size)
        return answer


def service_of(environ: Mapping[str, str], invocation: Invocation, metrics: Metrics) -> Service:
    """Return what the API serves, as *environ* sets it. Raises `SettingMissing`."""
    log = CountingLog(
        metrics,
        AwsStore.from_environment(threads=THREADS),
        limits=_limits(environ),
        clock=lambda: time.time_ns() // 1_000_000,
        new_id=lambda: uuid4().hex,
        background=False,
        time_left=invocation.milliseconds_left,
    )
    origins = environ.get("RUNSTREAMS_ALLOWED_ORIGINS") or "*"
    return Service(
        log,
        Keys([environ.get("RUNSTREAMS_SECRET_KEY", "")]),
        Host(
            wait_seconds_max=WAIT_SECONDS_MAX,
            body_bytes=LAMBDA_BODY_BYTES,
            sse=False,
            disconnects=False,
            time_left=_time_left,
        ),
        tuple(origin.strip() for origin in origins.split(",")),
    )


def _limits(environ: Mapping[str, str]) -> Limits:
    usual = Limits()
    days = environ.get("RUNSTREAMS_RETENTION_DAYS")
    size = environ.get("RUNSTREAMS_STREAM_MAX_BYTES")
    return Limits(
        round(float(days) * DAY_MS) if days else usual.retention_ms,
        int(size) if size else usual.stream_bytes,
    )


def _time_left(request: Request) -> float:
    context: LambdaContext = request.scope["aws.context"]
    return context.get_remaining_time_in_millis() / 1000 - MARGIN_SECONDS


class Adapter:
    """Mangum, on one event loop for the whole life of the process.

    The store's threads and locks belong to a loop, so each invocation runs on the same one.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self._loop)
        # Mangum's lifespan would start and stop the application at each invocation.
        self._answer = Mangum(Settled(app), lifespan="off", text_mime_types=TEXT_TYPES)

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
    if os.environ.get("RUNSTREAMS_TRACING", "off") != "on":
        return handle
    from aws_lambda_powertools.tracing import Tracer  # brings the X-Ray SDK, 0.1 s to import

    # Answers hold chunks, which have no business in a trace.
    traced: Handler = Tracer(service=NAME).capture_lambda_handler(handle, capture_response=False)
    return traced
