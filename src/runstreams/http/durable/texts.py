"""Text in events: an append may end anywhere, and an event can tell of whole characters only.

What is left open at the end of one append is told with the next one, also to whoever begins to read
between the two: offsets are those of appends, so that nobody asks for half a character.
"""

import codecs
import re

OPEN_BYTES = 3
"""Most bytes that can be left open, and so most appends that they come in."""

_BREAK = re.compile(r"\r\n|\r|\n")

_Decoder = codecs.getincrementaldecoder("utf-8")


def whole(data: bytes) -> tuple[str, bytes]:
    """Return the text of *data* as far as it is whole, and what is left open at its end: the
    beginning of a character, or what may be the first half of a line break.
    """
    decoder = _Decoder("replace")
    text, left = decoder.decode(data), decoder.getstate()[0]
    if text.endswith("\r") and not left:
        return text[:-1], b"\r"
    return text, left


def event(text: str) -> bytes:
    """Return the event that brings *text*; nothing where there is none."""
    if not text:
        return b""
    lines = "".join(f"data:{line}\n" for line in _BREAK.split(text))
    return f"event: data\n{lines}\n".encode()
