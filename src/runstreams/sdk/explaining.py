"""What an error says beside what went wrong: where, what is missing, and what to do."""

from dataclasses import replace
from typing import NamedTuple, TypeVar

from ..core.errors import FencedOff, RunCompleted, RunstreamsError, StreamClosed, Unauthorized
from ..core.model import PRODUCER_LOST

E = TypeVar("E", bound=RunstreamsError)

_HINTS: dict[type[RunstreamsError], str] = {
    StreamClosed: "use another key, or delete it to begin anew; with close=False (--no-close) a "
    "pipe that is interrupted leaves its stream open",
    FencedOff: "end this one, and leave the stream and its run alone",
    RunCompleted: "begin another run, with this one as parent= if it is tried again",
}
"""What to do after an error."""

_HINT_OF_LOST = (
    "this producer, or another one, was not heard of for longer than its lease, as a computer that "
    "slept or had no network, and readers have been told so; write on to another key or run, and "
    "promise more by lease= where such pauses are usual"
)
"""What has happened where a producer comes back too late."""


class Doing(NamedTuple):
    """What is being done, to say in its errors."""

    action: str = ""
    """What a token must allow."""
    run: str = ""
    key: str = ""

    @property
    def place(self) -> str:
        """The stream or the run."""
        return f"{self.run}/{self.key}" if self.key else self.run

    @property
    def scopes(self) -> str:
        """The scopes one of which a token needs."""
        if not self.run:
            return f"{self.action}:runs"
        run = f"{self.action}:runs:{self.run}"
        return f"{run} or {self.action}:streams:{self.place}" if self.key else run

    def told(self, error: E) -> E:
        """Return *error* as it says where it happened, and what to do: another one, of the same
        cause.
        """
        message = error.message
        if isinstance(error, Unauthorized) and self.action:
            message = f"the token does not allow this: it lacks the scope {self.scopes}"
        hint = _HINTS.get(type(error), "")
        if isinstance(error, StreamClosed) and error.closed_code == PRODUCER_LOST:
            hint = _HINT_OF_LOST
        if hint and hint not in message:
            message += f": {hint}"
        if self.place and self.place not in message.partition(":")[0]:
            message = f"{self.place}: {message}"
        return _saying(message, error)


def _saying(message: str, error: E) -> E:
    again = replace(error, message=message).with_traceback(error.__traceback__)
    again.__cause__ = error.__cause__
    for note in getattr(error, "__notes__", ()):
        again.add_note(note)
    return again
