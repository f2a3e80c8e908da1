"""The API in process: requests as ASGI messages, so that every byte and every moment is ours."""

import asyncio
import functools
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from itertools import count
from typing import Any, ParamSpec
from urllib.parse import unquote

from starlette.types import ASGIApp

from runstreams.core.limits import Limits
from runstreams.core.log import Log
from runstreams.core.model import Batch, StreamId
from runstreams.http import Host, Keys, Service, build_app
from runstreams.http.routes.whole import ROUTERS
from runstreams.serve.metrics.exposition import Exposition
from runstreams.serve.metrics.figures import Figures
from runstreams.serve.metrics.route import router_of
from runstreams.stores.memory import MemoryStore
from tests import virtual_time
from tests.http.described import wrong
from tests.signing import issue_token

SECRET = "tr_dev_a_secret_of_some_length"
METRICS = router_of(Exposition(Figures("memory"), None), {})
AUTH = {"authorization": f"Bearer {SECRET}"}
RUN = "/realtime/v1/streams/run_1"
STREAM = f"{RUN}/self/out"
READ = f"{RUN}/out"
OUT = StreamId("run_1", "out")

P = ParamSpec("P")


def in_virtual_time(test: Callable[P, Awaitable[None]]) -> Callable[P, None]:
    """Run an async test in a loop whose time passes only when nothing else happens."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        async def main() -> None:
            await test(*args, **kwargs)
            left = asyncio.all_tasks() - {asyncio.current_task()}
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert not {task for task in left if not task.done()}, "a request left tasks behind"

        virtual_time.run(main())

    return run


class Answer:
    """What came back, so far."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.pieces: list[bytes] = []
        self.times: list[float] = []
        """When each piece came."""
        self.complete = False
        self.flowing = asyncio.Event()
        """Clear it, and the client is slow: it takes nothing until it is set again."""
        self.flowing.set()

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> dict[str, Any]:
        """The error, without its request id, which is checked to be there."""
        error: dict[str, Any] = self.json()["error"]
        assert error.pop("request_id") == self.headers["x-request-id"]
        return error

    async def take(self, message: Any) -> None:
        await self.flowing.wait()
        if message["type"] == "http.response.start":
            self.status = message["status"]
            pairs = [(name.decode(), value.decode()) for name, value in message["headers"]]
            self.headers = dict(pairs)
            assert len(self.headers) == len(pairs), "a header was sent twice"
        else:
            self.times.append(asyncio.get_running_loop().time())
            self.pieces.append(message.get("body", b""))
            self.complete = not message.get("more_body", False)


class Request:
    """A request under way: send more of its body, wait for its answer, or go away."""

    def __init__(self, app: ASGIApp, scope: dict[str, Any]) -> None:
        self.answer = Answer()
        self._incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._task = asyncio.create_task(app(scope, self._receive, self.answer.take))

    async def _receive(self) -> dict[str, Any]:
        return await self._incoming.get()

    def send(self, piece: bytes, more: bool = True) -> None:
        self._incoming.put_nowait({"type": "http.request", "body": piece, "more_body": more})

    def go_away(self) -> None:
        self._incoming.put_nowait({"type": "http.disconnect"})

    @property
    def is_over(self) -> bool:
        return self._task.done()

    async def done(self) -> Answer:
        await self._task
        return self.answer


class Api:
    """An API over a memory store, and shorthands for calling it."""

    def __init__(self, host: Host | None = None, limits: Limits | None = None, **more: Any) -> None:
        numbers = count(1)

        def new_id() -> str:
            return f"{next(numbers):016x}" * 2

        self.store = MemoryStore(new_id)
        self.log = Log(
            self.store,
            limits=limits or Limits(),
            clock=virtual_time.clock,
            new_id=new_id,
            background=False,
        )
        self.keys = Keys([SECRET])
        self.app = build_app(
            Service(self.log, self.keys, host or Host(), **more),
            [*ROUTERS, METRICS],
        )

    def begin(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str] | Iterable[tuple[str, str]] = AUTH,
        **more: Any,
    ) -> Request:
        """Begin a request whose body is sent piece by piece."""
        path, _, query = target.partition("?")
        pairs = headers.items() if isinstance(headers, Mapping) else headers
        scope = {
            "type": "http",
            "method": method,
            "path": unquote(path),
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in pairs],
            **more,
        }
        return Request(self.app, scope)

    async def ask(
        self,
        method: str,
        target: str,
        body: bytes | str = b"",
        headers: Mapping[str, str] | None = None,
        auth: Mapping[str, str] = AUTH,
        **more: Any,
    ) -> Answer:
        """Send a whole request and return the answer."""
        body = body.encode() if isinstance(body, str) else body
        told = {**auth, "content-length": str(len(body)), **(headers or {})}
        request = self.begin(method, target, told, **more)
        request.send(body, more=False)
        answer = await request.done()
        path, _, _ = target.partition("?")
        assert [*wrong(method, path, answer.status, answer.headers, answer.body)] == []
        return answer

    async def write(self, *lines: str, stream: StreamId = OUT) -> None:
        """Append *lines* behind the API's back."""
        text = "".join(line + "\n" for line in lines).encode()
        await self.log.append(stream, Batch(text, len(lines), self.log.clock()))

    async def chunks(self, target: str = READ) -> list[Any]:
        """Return everything that can be read of a stream."""
        answer = await self.ask("GET", target + "?wait=0&limit=10000")
        assert answer.status == 200, answer.body
        return [chunk["data"] for chunk in answer.json()["chunks"]]

    @asynccontextmanager
    async def following(self, target: str = READ, **headers: str) -> AsyncIterator[Request]:
        """Follow a stream as server-sent events; go away afterwards."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = self.begin("GET", target, {**AUTH, "accept": "text/event-stream", **named})
        request.send(b"", more=False)
        yield request
        request.go_away()
        await request.done()


def token(*scopes: str, **more: Any) -> dict[str, str]:
    """Return the headers of a caller with a public token."""
    now = virtual_time.START_MS / 1000
    return {"authorization": f"Bearer {issue_token(SECRET, list(scopes), now, **more)}"}
