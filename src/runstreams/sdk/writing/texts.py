"""Pieces of text, cut wherever somebody has cut them, as text that is whole.

Bytes are cut inside of characters, and where strings are UTF-16, as in JavaScript, so is text:
between the two halves of a pair. What one piece begins waits for the piece that ends it.
"""

from codecs import getincrementaldecoder

from ...core.errors import InvalidChunk

BYTES = (bytes, bytearray, memoryview)
"""What bytes come in."""


class Texts:
    """Joins what is cut between the pieces of one source or writer; other values pass as they are.

    A half that finds no other stays what it is: no text is lost.
    """

    def __init__(self) -> None:
        self._decoder = getincrementaldecoder("utf-8")()
        self._half = ""
        self._is_whole = True
        """Whether nothing waits for what ends it, as nearly always: then there is little to do."""

    def feed(self, item: object) -> list[object]:
        """Take the next piece or value; return what is whole. Raises `InvalidChunk` for bytes that
        are not UTF-8.
        """
        if isinstance(item, BYTES):
            return self._whole(self._decoded(bytes(item)), is_empty=not item)
        if self._is_whole and not (isinstance(item, str) and is_cut(item)):
            return [item]
        left = self._decoded(b"", final=True) + self._half
        if isinstance(item, str) and (left or is_cut(item)):
            return self._whole(item, is_empty=False)
        return [*self.end(), item]

    def end(self) -> list[object]:
        """Return the half that has waited in vain. Raises `InvalidChunk` for bytes that end inside
        of a character.
        """
        left, self._half = self._decoded(b"", final=True) + self._half, ""
        self._is_whole = True
        return [left] if left else []

    def _whole(self, piece: str, is_empty: bool) -> list[object]:
        text = _paired(self._half + piece)
        self._half = text[-1] if is_cut(text) else ""
        self._is_whole = not self._half and not self._decoder.getstate()[0]
        text = text.removesuffix(self._half)
        return [text] if text or is_empty else []

    def _decoded(self, data: bytes, final: bool = False) -> str:
        try:
            return self._decoder.decode(data, final)
        except UnicodeDecodeError as error:
            raise InvalidChunk(f"the source is not UTF-8: {error.reason}") from error


def is_cut(text: str) -> bool:
    """Say whether *text* ends with the first half of a pair."""
    return "\ud800" <= text[-1:] <= "\udbff"


def _paired(text: str) -> str:
    """Return *text* with the halves that stand side by side as the character that they are."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
