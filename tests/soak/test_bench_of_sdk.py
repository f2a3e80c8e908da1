"""The benchmark's rows of the SDK can be measured: how fast they are is not asserted."""

import subprocess
import sys

import pytest

from tests.tools import ROOT

pytestmark = pytest.mark.soak


def test_every_row_of_the_sdk_has_a_figure() -> None:
    options = ["--quick", "--runs", "1", "--only", "SDK", "--server", "runstreams"]
    done = subprocess.run(
        [sys.executable, "-m", "bench", *options],
        capture_output=True,
        text=True,
        timeout=110,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    rows = [line for line in done.stdout.splitlines() if line.startswith("| SDK")]
    assert [line.split("|")[2].split()[1] for line in rows] == ["/s", "/s", "ms", "ms", "MiB"]
