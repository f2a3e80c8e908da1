"""The example chat as its users start it: a process of its own, beside a server of ours."""

import os
import subprocess
from types import TracebackType

from tests.react.building import EXAMPLE
from tests.tools import find


class ChatProcess:
    """`node server.js` on a free port; a context manager that leaves nothing running."""

    def __init__(self, streams_url: str, secret: str, word_ms: int) -> None:
        """Write the answers at *streams_url*, a word every *word_ms* milliseconds."""
        environ = {
            **os.environ,
            "RUNSTREAMS_URL": streams_url,
            "RUNSTREAMS_SECRET_KEY": secret,
            "PORT": "0",
            "WORD_MS": str(word_ms),
        }
        command = [str(find("node")), "server.js"]
        self._process = subprocess.Popen(
            command, cwd=EXAMPLE, env=environ, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()
        assert self.url, "the chat did not start"

    def __enter__(self) -> "ChatProcess":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.communicate()
