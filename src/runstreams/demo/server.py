"""A real server process on a free port, with a folder of its own that is gone afterwards."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

START_SECONDS = 20


@contextmanager
def running() -> Iterator[tuple[str, str]]:
    """Start the server; yield its URL and secret key; stop it."""
    with tempfile.TemporaryDirectory(prefix="runstreams-demo-") as folder:
        ready = Path(folder, "ready.json")
        command = [sys.executable, "-m", "runstreams", "serve", "--port", "0"]
        command += ["--data", folder, "--ready-file", str(ready)]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
            try:
                url = _wait(process, ready)
                yield url, Path(folder, "secret-key").read_text().strip()
            finally:
                process.terminate()
                process.wait()


def _wait(process: "subprocess.Popen[bytes]", ready: Path) -> str:
    deadline = time.monotonic() + START_SECONDS
    while not ready.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit("the server did not start")
        time.sleep(0.02)
    return str(json.loads(ready.read_text())["url"])
