"""A reader behind something that answers from memory, over real connections that are counted."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from runstreams import Client, Retries

PING = b"event: ping\ndata: {}\n\n"
DONE = b"data: [DONE]\n\n"
COMMENTS = b": still here\n\n"
QUICKLY = Retries(first=0.01, longest=0.05)


def chunk(index: int) -> dict[str, Any]:
    return {"index": index, "data": index, "id": f"a-{index}", "timestamp": 0}


def batch(*indexes: int) -> bytes:
    records = [
        {"seq_num": i, "timestamp": 0, "body": json.dumps({"data": i, "id": f"a-{i}"})}
        for i in indexes
    ]
    said = {"records": records, "tail": {"seq_num": indexes[-1] + 1, "timestamp": 0}}
    return b"event: batch\ndata: " + json.dumps(said).encode() + b"\n\n"


class Memory(ThreadingHTTPServer):
    """A server of chunks 0 to 3 whose event streams are always the same, and counted."""

    daemon_threads = True
    events = b""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answered: Counter[str] = Counter()
        self.is_over = threading.Event()


class Handler(BaseHTTPRequestHandler):
    server: Memory

    def do_GET(self) -> None:
        if self.headers["accept"] == "text/event-stream" and self.server.events is COMMENTS:
            self._comment()
            return
        kind = self.headers["accept"]
        self.server.answered[kind] += 1
        body = self.server.events if kind == "text/event-stream" else self._page()
        self.send_response(200)
        self.send_header("content-type", kind)
        self.end_headers()
        self.wfile.write(body)

    def _comment(self) -> None:
        self.server.answered["comments"] += 1
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        with suppress(OSError):
            while not self.server.is_over.wait(0.01):
                self.wfile.write(COMMENTS)

    def _page(self) -> bytes:
        start = int(self.path.partition("&start=")[2] or 0)
        chunks = [chunk(index) for index in range(start, 4)]
        said = {"chunks": chunks, "next_index": 4, "tail": 4, "closed": None}
        return json.dumps(said).encode()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def memory() -> Iterator[Memory]:
    with Memory() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.is_over.set()
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    "events",
    [b"", DONE, PING, PING + DONE, batch(0, 1), batch(0, 1) + DONE, batch(9) + DONE],
    ids=["nothing", "end", "ping", "ping and end", "old", "old and end", "later"],
)
def test_event_streams_from_memory_give_way_to_polls(memory: Memory, events: bytes) -> None:
    memory.events = events
    with Client(f"http://127.0.0.1:{memory.server_port}", "sk_test", retries=QUICKLY) as client:
        assert list(client.streams.read("run_1", "words", timeout=3)) == [0, 1, 2, 3]
    assert memory.answered["text/event-stream"] == 2
    assert memory.answered["application/json"] < 12


def test_silence_ends_a_reader_though_something_in_between_comments_on_it(memory: Memory) -> None:
    memory.events = COMMENTS
    with Client(f"http://127.0.0.1:{memory.server_port}", "sk_test", retries=QUICKLY) as client:
        assert list(client.streams.read("run_1", "words", timeout=1)) == [0, 1, 2, 3]
    assert memory.answered["comments"] == 1
