"""Producers that are killed: real ones, and readers that wait at another process."""

import subprocess
import sys
from pathlib import Path

from tests.serve.process import ServerProcess

STREAM = "/realtime/v1/streams/run/self/key"

PRODUCER = """
import sys, httpx
url, secret = sys.argv[1:]
headers = {"Authorization": f"Bearer {secret}", "X-Client-Id": "c", "X-Lease-Seconds": "1"}
httpx.post(url, content=b"1", headers=headers).raise_for_status()
print("holds it", flush=True)
sys.stdin.read()
"""
"""Holds a lease of a second until it is killed."""


def test_a_producer_that_is_killed_is_missed_by_a_reader_at_another_process(tmp_path: Path) -> None:
    """Nobody appends anything more, and nothing else happens to the file that they share."""
    with ServerProcess(tmp_path / "data") as first, ServerProcess(tmp_path / "data") as second:
        command = [sys.executable, "-c", PRODUCER, first.url + STREAM, first.secret]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as producer:
            assert producer.stdout is not None
            assert producer.stdout.readline() == "holds it\n"
            producer.kill()
        page = second.http.get("/realtime/v1/streams/run/key?start=1&wait=25").json()
        assert page["closed"]["code"] == "producer_lost"
        late = first.http.post(STREAM, content=b"2\n")
        assert late.json()["error"]["closed_code"] == "producer_lost"
        ended = first.http.get("/api/v1/runs/run/streams/key").json()["closed"]
        assert ended == page["closed"]
