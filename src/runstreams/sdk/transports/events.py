"""Server-sent events, from the bytes of a body that arrives in pieces."""

from typing import NamedTuple


class Event(NamedTuple):
    """One event; its lines of data are joined by newlines."""

    name: str
    data: str


class EventDecoder:
    """Joins the pieces of a body and cuts it into events; knows nothing of where they come from.

    An event that has not ended when the body does never comes out.
    """

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, piece: bytes) -> list[Event]:
        """Take the next *piece*; return the events that it completes."""
        # A carriage return at the end may be half of a line's end: it waits for what follows.
        data = (self._rest + piece).replace(b"\r\n", b"\n")
        blocks = data.split(b"\n\n")
        self._rest = blocks.pop()
        return [event for block in blocks if (event := _event(block)) is not None]


def _event(block: bytes) -> Event | None:
    name, data = "message", list[str]()
    for line in block.decode(errors="replace").split("\n"):
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            name = value
        elif field == "data":
            data.append(value)
    return Event(name, "\n".join(data)) if data else None
