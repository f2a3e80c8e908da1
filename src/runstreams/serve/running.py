"""Everything put together: settings, key, store, API and server, from start to stop."""

import asyncio
import gc
import logging
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from socket import socket

import uvloop

from ..http import Host, Keys, Service, Stop, build_app
from ..http.live.readers import Readers
from ..http.observing import RequestObserver
from ..http.origin import Origin
from ..http.routes import durable, health, reading
from ..http.routes.whole import ROUTERS
from ..wiring import now, open_log
from .errors import CannotRun
from .keys import DeployedKeys, key_source, named_key
from .listening import listen, url_of
from .metrics.sharing import forget, shared_figures
from .open_files import NoFileLeft, raise_limit
from .ready import announce
from .server import GracefulServer
from .settings import Settings, check_anonymous
from .speaking import spoken
from .storing import limits_in, linger_in, open_store
from .sweeping import keep_swept
from .tracing import traced
from .uvicorn import left_over
from .workers import Alone, Part, Workers, shared

KEEP_ALIVE_SECONDS = 65
"""How long an idle connection is kept: a little longer than the minute for which many clients keep
theirs, since a request may be on its way when our side closes first.
"""

_ACCEPTED_AT_A_TIME = 1
"""asyncio takes so many connections in one go, and where no file is left it goes on to fail: with
uvicorn's 2,048 it said so 2,048 times and did nothing else. How many may wait is another number.
"""

_FEW_FILES = 4096
"""Where fewer files may be open, each counts: uvloop needs ten itself, asyncio's own loop three."""

_GARBAGE = (20_000, 20, 20)
"""When the collector looks for garbage. Fifty requests under way are enough to set it off again and
again at its usual 700 objects, in vain: that was a twentieth of the processor's time.
"""

_SEALING_SECONDS = 0.4
"""Time for sealing under way to finish when the server stops. Abandoned, it costs nothing: a later
append seals.
"""

READERS = (reading.router, durable.reading, health.router)
"""What is left where only readers are served."""

logger = logging.getLogger(__name__)


def run(settings: Settings, environ: Mapping[str, str]) -> None:
    """Serve until SIGINT or SIGTERM. Raises `CannotRun`."""
    form = "%(asctime)s %(levelname)s %(name)s: %(message)s"
    logging.basicConfig(level=settings.log_level.upper(), format=form)
    check_anonymous(settings)
    with closing(listen(settings.host, settings.port)) as listener:
        keys = key_source(settings, environ)
        origin = _origin(environ)
        loops = _loop_factory(raise_limit())

        def serve(part: Part) -> None:
            with asyncio.Runner(loop_factory=loops) as runner:
                runner.run(_serve(settings, keys(), origin, listener, environ, part))

        url = url_of(listener)  # it is closed when the server stops

        def ready() -> None:
            announce(settings, url, named_key(settings, environ))

        with shared_figures(settings.workers):
            if settings.workers == 1:
                serve(Alone(ready))
            else:
                Workers(settings.workers, serve, listener.close, forget).run(ready)


async def _serve(
    settings: Settings,
    keys: Keys,
    origin: Origin,
    listener: socket,
    environ: Mapping[str, str],
    part: Part,
) -> None:
    from .metrics.wiring import Metrics  # brings the client library, which must not come before

    store = open_store(settings, part.committed)
    metrics = Metrics(settings, environ)
    log = open_log(metrics.measured(store), limits_in(store, settings), observer=metrics.observer)
    stop = Stop()
    linger_ms = linger_in(settings, environ)
    host = _host(settings, origin, stop, linger_ms, metrics.request_observer)
    routers = (*(READERS if settings.reads_only else ROUTERS), metrics.router)
    app = build_app(Service(log, keys, host, settings.allowed_origins), routers)
    config = spoken(traced(app), timeout_keep_alive=KEEP_ALIVE_SECONDS, backlog=_ACCEPTED_AT_A_TIME)
    server = GracefulServer(config, stop, part.ready, part.signals)
    part.attend(log.nudge, server.stop)
    asyncio.get_running_loop().set_exception_handler(NoFileLeft())
    beside = [asyncio.create_task(metrics.keep_handed_on())]
    if isinstance(keys, DeployedKeys):
        beside.append(asyncio.create_task(keys.keep_fresh()))
    if part.sweeps:
        beside.append(asyncio.create_task(keep_swept(store, log.limits, now)))
    # What the start has made stays. Looking through it again and again for garbage takes 15 ms each
    # time, in which nobody is served.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GARBAGE)
    try:
        await server.serve([listener])
    finally:
        for task in beside:
            task.cancel()
        with suppress(TimeoutError):
            async with asyncio.timeout(_SEALING_SECONDS):
                await log.aclose()


def _host(
    settings: Settings, origin: Origin, stop: Stop, linger_ms: int | None, observer: RequestObserver
) -> Host:
    readers = Readers(shared(settings.token_max_readers, settings.workers))
    return Host(
        left_over=left_over,
        stopping=stop,
        readers=readers,
        linger_ms=linger_ms,
        anonymous=settings.anonymous,
        origin=origin,
        observer=observer,
    )


def _origin(environ: Mapping[str, str]) -> Origin:
    """Return which caches are trusted. Raises `CannotRun`."""
    try:
        return Origin.of(environ)
    except ValueError as error:
        raise CannotRun(str(error)) from None


def _loop_factory(files: int) -> Callable[[], asyncio.AbstractEventLoop] | None:
    if files >= _FEW_FILES:
        return uvloop.new_event_loop
    logger.warning("only %d files may be open: about as many readers can wait", files)
    return None
