"""Traces that cross from who writes to who reads, through a real server: three processes, each with
OpenTelemetry's own SDK.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.serve.process import START_SECONDS, ServerProcess, clean_environ
from tests.tools import ROOT

Spans = list[dict[str, Any]]

TRACED = (sys.executable, "-m", "tests.sdk.traced")


def spans_of(said: str) -> Spans:
    return [json.loads(line) for line in said.splitlines() if line.startswith("{")]


def spans(what: str, at: ServerProcess) -> Spans:
    """Return the spans of the program that does *what*."""
    environ = {"RUNSTREAMS_URL": at.url, "RUNSTREAMS_SECRET_KEY": at.secret}
    done = subprocess.run(
        [*TRACED, what],
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        env=clean_environ() | environ,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return spans_of(done.stdout)


def named(found: Spans, name: str) -> Spans:
    return [span for span in found if span["name"] == name]


def ids(span: dict[str, Any]) -> tuple[str, str]:
    return span["context"]["trace_id"], span["context"]["span_id"]


@pytest.mark.parametrize(
    ("writing", "reading"), [("write", "read"), ("awrite", "aread"), ("write", "read_run")]
)
def test_a_reader_is_led_to_the_trace_of_who_wrote(
    tmp_path: Path, writing: str, reading: str
) -> None:
    with ServerProcess(tmp_path / "d") as at:
        written = spans(writing, at)
        read = spans(reading, at)
    batches, (mine,) = named(written, "runstreams.append"), named(written, "mine")
    (reader,) = named(read, "runstreams.read")
    batch = batches[0]
    assert {batch["parent_id"] for batch in batches} == {mine["context"]["span_id"]}
    assert (batch["kind"], reader["kind"]) == ("SpanKind.PRODUCER", "SpanKind.CONSUMER")
    assert sum(each["attributes"]["messaging.batch.message_count"] for each in batches) == 2
    assert [ids(link) for link in reader["links"]] == [ids(batch)]
    assert ids(reader)[0] != ids(batch)[0]


def test_each_append_is_in_the_span_that_it_was_made_in(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "d") as at:
        found = spans("append_twice", at)
    parents = [span["parent_id"] for span in named(found, "runstreams.append")]
    assert parents == [named(found, name)[0]["context"]["span_id"] for name in ("one", "two")]


def test_a_server_s_requests_are_parts_of_the_traces_that_ask(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "d", command=(*TRACED, "serve")) as at:
        batch, *_ = named(spans("write", at), "runstreams.append")
        (reader,) = named(spans("read", at), "runstreams.read")
        assert at.stop() == 0
        assert at.process.stdout is not None
        served = spans_of(at.process.stdout.read())
    append, *_ = named(served, "POST /realtime/v1/streams/{run}/{target}/{key}")
    assert (append["context"]["trace_id"], append["parent_id"]) == ids(batch)
    assert append["attributes"]["http.response.status_code"] == 200
    reads = named(served, "GET /realtime/v1/streams/{run}/{key}")
    assert {span["parent_id"] for span in reads} == {ids(reader)[1]}


def test_what_is_not_sampled_or_no_trace_is_not_kept(tmp_path: Path) -> None:
    wrong = [
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
    ]
    right = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with ServerProcess(tmp_path / "d") as at:
        for number, trace in enumerate([*wrong, right]):
            path = f"/realtime/v1/streams/run_1/self/k{number}/append"
            at.http.post(path, content="x", headers={"traceparent": trace}).raise_for_status()
        listed = at.http.get("/api/v1/runs/run_1/streams").json()["streams"]
    assert [stream["traceparent"] for stream in listed] == [None] * len(wrong) + [right]


def test_a_program_without_tracing_imports_nothing_for_it(tmp_path: Path) -> None:
    program = (
        "import sys; from runstreams import streams;"
        'exec(\'with streams.run("run_1"): streams.append("k", 1)\');'
        "assert not any(name.startswith('opentelemetry') for name in sys.modules)"
    )
    with ServerProcess(tmp_path / "d") as at:
        environ = {"RUNSTREAMS_URL": at.url, "RUNSTREAMS_SECRET_KEY": at.secret}
        subprocess.run(
            [sys.executable, "-c", program],
            env=clean_environ() | environ,
            check=True,
            timeout=START_SECONDS,
        )
        described = at.http.get("/api/v1/runs/run_1/streams/k").json()
    assert described["traceparent"] is None
