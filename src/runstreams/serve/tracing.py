"""A span for each request, where OpenTelemetry is set up in this process, as
`opentelemetry-instrument` does.
"""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .._version import __version__

_CARRIED = (b"traceparent", b"tracestate")


def traced(app: ASGIApp) -> ASGIApp:
    """Return *app* with a span around each of its requests, if anybody would see them."""
    try:
        from opentelemetry import trace
    except ModuleNotFoundError:
        return app
    if isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
        return app
    return _Traced(app)


class _Traced:
    def __init__(self, app: ASGIApp) -> None:
        from opentelemetry import propagate, trace

        self._app = app
        self._extract = propagate.extract
        self._tracer = trace.get_tracer("runstreams", __version__)
        self._kind = trace.SpanKind.SERVER
        self._failed = trace.Status(trace.StatusCode.ERROR)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        carried = {
            name.decode(): value.decode("latin-1")
            for name, value in scope.get("headers", ())
            if name in _CARRIED
        }
        method = scope.get("method", "")
        with self._tracer.start_as_current_span(
            method, self._extract(carried), self._kind, {"http.request.method": method}
        ) as span:

            async def sending(message: Message) -> None:
                if message["type"] == "http.response.start":
                    span.set_attribute("http.response.status_code", message["status"])
                    if message["status"] >= 500:
                        span.set_status(self._failed)
                await send(message)

            await self._app(scope, receive, sending)
            if (route := getattr(scope.get("route"), "path", None)) is not None:
                span.update_name(f"{method} {route}")
                span.set_attribute("http.route", route)
