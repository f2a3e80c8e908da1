"""An answer on its way through the Lambda Web Adapter, which passes no broken connection on and, it
is said, not every answer without a body.
"""

from collections.abc import Iterable

from starlette.types import Message, Send

_BODILESS = (204, 304)
"""Statuses whose answers have no body."""

EMPTY = (b"content-length", b"0")

_FILLED = [(b"content-length", b"2"), (b"content-type", b"application/json")]


class Answer:
    """What the application sends. Its last part waits for `finish`."""

    def __init__(self, method: str, send: Send) -> None:
        self.status = 0
        self._may_have_body = method != "HEAD"
        self._send = send
        self._filled = False
        self._last: list[Message] = []

    @property
    def is_broken_off(self) -> bool:
        """Whether it has begun, and the application has left it without an end."""
        return self.status != 0 and not self._last

    async def send(self, message: Message) -> None:
        """Send a part of it on, or keep it for `finish`; what is empty gets a body."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self._may_have_body &= self.status not in _BODILESS
            message = self._with_length(message)
        elif self._filled:
            message = {"type": "http.response.body", "body": b"{}"}
        if self._last or self._makes_whole(message):
            self._last.append(message)
        else:
            await self._send(message)

    async def finish(self) -> None:
        """Send the last part of it."""
        for message in self._last:
            await self._send(message)

    async def end(self) -> None:
        """End it where the application has not."""
        await self._send({"type": "http.response.body", "body": b""})

    def _with_length(self, start: Message) -> Message:
        headers = start["headers"]
        if EMPTY not in headers or not self._may_have_body or _is_typed(headers):
            return start
        self._filled = True
        return {**start, "headers": [each for each in headers if each != EMPTY] + _FILLED}

    def _makes_whole(self, message: Message) -> bool:
        """Say whether the client has the whole answer with this part of it."""
        if message["type"] == "http.response.body":
            return not message.get("more_body")
        return not self._may_have_body


def _is_typed(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Say whether an answer says what it is made of: nothing, then, is all that there is of it."""
    return any(name == b"content-type" for name, _ in headers)
