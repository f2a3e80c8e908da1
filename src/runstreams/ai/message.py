"""A message of the Vercel AI SDK while it is told, in the chunks of its UI message stream."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from ..sdk.closing import sayable
from ..sdk.values import decode_member
from ..sdk.writing.texts import Texts

Chunk = dict[str, Any]
"""A chunk of the UI message stream, version 1, with the members that it has there."""

Reason = Literal["stop", "length", "content-filter", "tool-calls", "error", "other"]
"""Why a model has ended, in the AI SDK's words."""

ENDED: set[Reason | None] = {"stop", "tool-calls"}
"""Why a model ends that has said all that it would: what is open in its answer is whole."""

CUT = "the call was cut off"
"""What is said of a call that a tool must not be run for."""


class Message:
    """What has begun of one message, and so must end: steps, one for each answer of a model, and
    the parts inside of a step.
    """

    def __init__(self, message_id: str | None) -> None:
        self._id = message_id
        self._is_begun = False
        self._is_over = False
        self._steps = 0
        self.in_step = False
        self.has_calls = False
        """Whether a tool was called in this step."""
        self._called: set[str] = set()
        self._parts: dict[str, _Part] = {}
        self._empty: _Call | None = None
        self.reason: Reason = "other"

    def begin_step(self, answer_id: str | None) -> Iterator[Chunk]:
        """Begin with another answer of a model; the first one's id is the message's, too."""
        yield from self.end_step()
        if not self._is_begun:
            self._is_begun = True
            message_id = self._id or answer_id
            yield {"type": "start"} | ({"messageId": message_id} if message_id else {})
        self.in_step = True
        self.has_calls = False
        self._steps += 1
        yield {"type": "start-step"}

    def end_step(self, reason: Reason | None = None) -> Iterator[Chunk]:
        """End an answer, and what is open in it; *reason* unless it was told before."""
        if reason is not None:
            self.reason = reason
        if self.in_step:
            self.in_step = False
            is_cut = reason not in ENDED
            yield from self._end_empty(is_cut)
            for key in list(self._parts):
                yield from self.end(key, is_cut=is_cut)
            yield {"type": "finish-step"}

    def finish(self) -> Iterator[Chunk]:
        """End the message, unless its source has said so."""
        yield from self.end_step()
        if self._is_begun and not self._is_over:
            yield {"type": "finish", "finishReason": self.reason}

    def fail(self, text: str) -> Iterator[Chunk]:
        """Say that it has failed, and why."""
        self.reason = "error"
        yield {"type": "error", "errorText": sayable(text)}

    def let_pass(self, chunk: Chunk) -> Iterator[Chunk]:
        """Pass on a chunk that is one already."""
        self._is_begun = self._is_begun or chunk["type"] == "start"
        self._is_over = self._is_over or chunk["type"] == "finish"
        yield chunk

    def text(self, key: str, kind: Literal["text", "reasoning"] = "text") -> Iterator[Chunk]:
        """Begin a text, which has *key* inside of this step; nothing if it has begun."""
        return self._begin(key, _Text(kind, f"{self._steps}.{key}"))

    def tool(self, key: str, call_id: str, name: str, **more: Any) -> Iterator[Chunk]:
        """Begin the call of a tool; another part that has *key* ends before."""
        return self._call(key, _Call(call_id, name, more))

    def free_tool(self, key: str, call_id: str, name: str) -> Iterator[Chunk]:
        """Begin the call of a tool whose input is text instead of JSON."""
        return self._call(key, _FreeCall(call_id, name, {}))

    def found(self, call_id: str, output: Any) -> Iterator[Chunk]:
        """Say what the provider's own tool has found; nothing if its call has not begun here."""
        if call_id in self._called:
            yield from self._end_empty(is_cut=False)
            found = {"toolCallId": call_id, "output": output, "providerExecuted": True}
            yield {"type": "tool-output-available", **found}

    def add(self, key: str, piece: str | None) -> Iterator[Chunk]:
        """Add a piece of text, or of a tool's input as JSON."""
        if piece and key in self._parts:
            yield from self._parts[key].add(piece)

    def whole(self, key: str, text: str | None) -> None:
        """Remember all of a tool's input: it is told if no piece of it has come."""
        if text and isinstance(part := self._parts.get(key), _Call):
            part.whole = text

    def note(self, key: str, metadata: dict[str, Any]) -> None:
        """Remember what the provider says of a part: it is told at the part's end."""
        if key in self._parts:
            self._parts[key].metadata = metadata

    def end(self, key: str, *, is_cut: bool = False) -> Iterator[Chunk]:
        """End a part, which *is_cut* off or whole; nothing if there is none."""
        if key in self._parts:
            yield from self._parts.pop(key).end(is_cut)

    def settle(self, key: str) -> Iterator[Chunk]:
        """End a part, but a call without input only when the answer goes on or has ended of itself:
        providers end what is cut off, too.
        """
        if isinstance(part := self._parts.get(key), _Call) and part.is_empty:
            self._empty = part
            del self._parts[key]
        yield from self.end(key)

    def _end_empty(self, is_cut: bool) -> Iterator[Chunk]:
        if call := self._empty:
            self._empty = None
            yield from call.end(is_cut)

    def _call(self, key: str, call: "_Call") -> Iterator[Chunk]:
        self.has_calls = True
        self._called.add(call.id)
        if key in self._parts and self._parts[key].id != call.id:
            yield from self.end(key)
        yield from self._begin(key, call)

    def _begin(self, key: str, part: "_Part") -> Iterator[Chunk]:
        if key not in self._parts:
            yield from self._end_empty(is_cut=False)
            self._parts[key] = part
            yield part.begin()


class _Part(Protocol):
    id: str
    metadata: dict[str, Any]

    def begin(self) -> Chunk: ...

    def add(self, piece: str) -> Iterator[Chunk]: ...

    def end(self, is_cut: bool) -> Iterator[Chunk]: ...


def _with(chunk: Chunk, metadata: dict[str, Any]) -> Chunk:
    return chunk | ({"providerMetadata": metadata} if metadata else {})


@dataclass
class _Text:
    """A text; a character that is cut between two pieces waits to be whole."""

    kind: str
    id: str
    metadata: dict[str, Any] = field(default_factory=dict)
    _halves: Texts = field(default_factory=Texts)

    def begin(self) -> Chunk:
        return {"type": f"{self.kind}-start", "id": self.id}

    def add(self, piece: str) -> Iterator[Chunk]:
        yield from map(self._delta, self._halves.feed(piece))

    def end(self, is_cut: bool) -> Iterator[Chunk]:
        yield from map(self._delta, self._halves.end())
        yield _with({"type": f"{self.kind}-end", "id": self.id}, self.metadata)

    def _delta(self, text: object) -> Chunk:
        return {"type": f"{self.kind}-delta", "id": self.id, "delta": text}


@dataclass
class _Call:
    """A call of a tool, whose input is JSON that comes in pieces."""

    id: str
    name: str
    more: dict[str, Any]
    metadata: dict[str, Any] = field(default_factory=dict)
    whole: str = ""
    _halves: Texts = field(default_factory=Texts)
    _pieces: list[str] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        return not (self._pieces or self.whole)

    def begin(self) -> Chunk:
        return {"type": "tool-input-start", **self._names()}

    def add(self, piece: str) -> Iterator[Chunk]:
        self._pieces.append(piece)
        for text in self._halves.feed(piece):
            yield {"type": "tool-input-delta", "toolCallId": self.id, "inputTextDelta": text}

    def end(self, is_cut: bool) -> Iterator[Chunk]:
        text = "".join(self._pieces) or self.whole
        try:
            known = {"type": "tool-input-available", "input": self._input(text, is_cut)}
        except ValueError as error:
            known = {"type": "tool-input-error", "input": text, "errorText": str(error)}
        yield _with({**known, **self._names()}, self.metadata)

    def _input(self, text: str, is_cut: bool) -> Any:
        if is_cut and not text:
            raise ValueError(CUT)
        # A call without arguments may come without any text.
        return decode_member(text or "{}")

    def _names(self) -> Chunk:
        return {"toolCallId": self.id, "toolName": self.name, **self.more}


class _FreeCall(_Call):
    """A call of a tool, whose input is text: it does not tell by itself that it is whole."""

    def _input(self, text: str, is_cut: bool) -> Any:
        if is_cut:
            raise ValueError(CUT)
        return text
