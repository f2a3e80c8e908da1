"""The Dockerfile: what a linter says of it, and the image that its steps make."""

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from runstreams.serve.settings import Settings
from tests.emulators.place import Place
from tests.emulators.process import READY_SECONDS, free_port
from tests.packaging.dockerfile import Image
from tests.serve.process import STOP_SECONDS
from tests.tools import ROOT

DOCKERFILE = ROOT / "Dockerfile"
KEY = "the-secret-key-of-this-image"
HADOLINT = Path(sys.prefix) / "bin" / "hadolint"


def test_the_linter_finds_nothing() -> None:
    done = subprocess.run([HADOLINT, DOCKERFILE], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def test_nothing_comes_into_the_image_but_what_is_copied() -> None:
    *rules, _ = (ROOT / ".dockerignore").read_text().splitlines()
    copied = [line.split()[1] for line in DOCKERFILE.read_text().splitlines() if "COPY" in line]
    assert rules == ["*", *(f"!{path}" for path in copied)]


@pytest.mark.soak
@pytest.mark.needs("debootstrap")
@pytest.mark.timeout(900)
def test_its_steps_make_an_image_that_serves(quick_aws_place: Place, tmp_path: Path) -> None:
    image = Image(tmp_path / "root")
    image.build(DOCKERFILE)
    assert image.user != "root"
    assert image.port == Settings().port
    port = free_port()
    environ = {
        **quick_aws_place.environment(),
        "RUNSTREAMS_SECRET_KEY": KEY,
        "RUNSTREAMS_PORT": str(port),
    }
    assert "Read-only file system" in refused(image, "/tmp/anything")
    process = image.start(environ)
    try:
        until_healthy(f"http://127.0.0.1:{port}")
        use(f"http://127.0.0.1:{port}")
        process.send_signal(signal.SIGTERM)
        assert process.wait(STOP_SECONDS) == 0, process.communicate()
    finally:
        process.kill()
        process.communicate()
        shutil.rmtree(image.root)


def refused(image: Image, path: str) -> str:
    """Return why the image's user cannot write at *path*."""
    command = image.read_only(["sh", "-c", f"echo > {path}"], {})
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode != 0
    return done.stderr


def until_healthy(url: str) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            assert httpx.get(f"{url}/health").json()["status"] == "ok"
            return
        except httpx.TransportError:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def use(url: str) -> None:
    """Append to a stream, and read it."""
    stream = "/realtime/v1/streams/run_1"
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {KEY}"}) as http:
        http.post(f"{stream}/self/k/append", content="hello").raise_for_status()
        assert http.get(f"{stream}/k").json()["chunks"][0]["data"] == "hello"
