"""Splitting a body into lines while it arrives."""


class Lines:
    """Joins the pieces of a body and cuts them at newlines; knows nothing of where they come from.

    The line that has not ended yet is kept in the pieces it came in, so that a long one is joined
    only once.
    """

    def __init__(self) -> None:
        self._begun: list[bytes] = []
        self.unfinished = 0
        """Bytes of the line that has not ended yet."""

    def feed(self, piece: bytes) -> list[bytes]:
        """Take the next *piece*; return the lines that it completes."""
        at = piece.rfind(b"\n")
        if at < 0:
            self._keep(piece)
            return []
        self._begun.append(piece[:at])
        lines = b"".join(self._begun).split(b"\n")
        self._begun, self.unfinished = [], 0
        self._keep(piece[at + 1 :])
        return lines

    def end(self) -> list[bytes]:
        """Return the last line, when the body ended without a newline after it."""
        return [b"".join(self._begun)] if self.unfinished else []

    def _keep(self, rest: bytes) -> None:
        if rest:
            self._begun.append(rest)
            self.unfinished += len(rest)
