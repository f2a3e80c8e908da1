"""Our SDK and the official client write to one stream at once, and read it side by side."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from durable_streams import DurableStream, stream

from runstreams import Client
from tests.serve.process import ServerProcess

pytestmark = pytest.mark.timeout(120)

PATH = "/v1/stream/run_1/words"
CHUNKS = 150
"""So many each writer sends."""


def theirs(server: ServerProcess) -> Iterator[Any]:
    """Yield what the official client reads, live. That a stream is closed it does not heed."""
    url = server.url + PATH
    with stream(url, client=server.http, offset="-1", live="long-poll") as reader:
        yield from islice(reader.iter_json(), 2 * CHUNKS)


def test_two_writers_and_two_readers_of_two_kinds_agree_on_one_order(tmp_path: Path) -> None:
    with (
        ServerProcess(tmp_path / "data") as server,
        Client(server.url, server.secret) as client,
        ThreadPoolExecutor(4) as pool,
    ):
        url, closing = server.url + PATH, {"Stream-Closed": "true"}
        handle = DurableStream.create(url, content_type="application/json", client=server.http)
        by_them = pool.submit(lambda: list(theirs(server)))
        by_us = pool.submit(lambda: list(client.streams.read("run_1", "words")))
        appended = pool.submit(lambda: [handle.append(["theirs", at]) for at in range(CHUNKS)])
        piped = client.streams.pipe("words", (["ours", at] for at in range(CHUNKS)), target="run_1")
        piped.wait_until_complete()
        appended.result()
        server.http.post(PATH, headers=closing).raise_for_status()
        assert by_them.result() == by_us.result()
        for writer in ("ours", "theirs"):
            sent = [at for by, at in by_us.result() if by == writer]
            assert sent == list(range(CHUNKS))
