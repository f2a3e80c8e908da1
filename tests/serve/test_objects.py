"""`runstreams objects`: where the chunks of a stream are, on disk and on AWS."""

import re
from pathlib import Path

from runstreams.core.limits import KIB
from tests.emulators.place import Place

from .process import ServerProcess, run_to_end

PATH = "/realtime/v1/streams/run_1"
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
ROW = re.compile(rf" +(\d+)-(\d+) +(\d+) +(\d+)  {TIME}  (.+)")


def fill(server: ServerProcess, batches: int) -> None:
    """Append batches of two chunks."""
    for number in range(batches):
        lines = f'"{number}a"\n"{number}b"\n'
        server.http.post(f"{PATH}/self/k", content=lines).raise_for_status()


def close(server: ServerProcess) -> None:
    answer = server.http.post(f"{PATH}/self/k/close", json={"status": "completed"})
    answer.raise_for_status()


def objects(*flags: str, **environ: str) -> tuple[str, list[tuple[str, ...]]]:
    """Return the summary and the rows: first and last index, chunks, bytes, object."""
    done = run_to_end("objects", "run_1", "k", *flags, environ=environ)
    assert done.returncode == 0, done.stderr
    summary, _, *lines = done.stdout.splitlines()
    rows = [ROW.fullmatch(line) for line in lines]
    return summary, [row.groups() for row in rows if row]


def test_batches_and_then_a_segment_are_shown_while_the_server_runs(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with ServerProcess(data) as server:
        fill(server, 2)
        summary, rows = objects("--data", str(data))
        assert re.fullmatch(
            r"generation \w{16}, open: 4 chunks, 16 bytes; sealed up to 0, 2 batches are not",
            summary,
        )
        assert [row[:4] for row in rows] == [("0", "1", "2", "8"), ("2", "3", "2", "8")]
        assert all(row[4].startswith("batch ") for row in rows)
        close(server)
        server.stop()
    summary, rows = objects("--data", str(data))
    assert "completed: 4 chunks, 16 bytes; sealed up to 4, 0 batches are not" in summary
    assert [row[:3] for row in rows] == [("0", "3", "4")]
    assert rows[0][4].startswith("segment ")


def test_objects_on_aws_are_the_ones_in_the_bucket(tmp_path: Path, quick_aws_place: Place) -> None:
    environ = dict(quick_aws_place.environment())
    s3, _ = quick_aws_place.clients(threads=1)

    def in_bucket() -> set[str]:
        found = s3.list_objects_v2(Bucket=quick_aws_place.bucket)["Contents"]
        return {f"s3://{quick_aws_place.bucket}/{each['Key']}" for each in found}

    with ServerProcess(tmp_path / "data", "--aws", environ=environ) as server:
        fill(server, 2)
        large = f'"{"x" * KIB}"'
        server.http.post(f"{PATH}/self/k", content=large).raise_for_status()
        _, rows = objects("--aws", **environ)
        assert [row[:2] for row in rows] == [("0", "1"), ("2", "3"), ("4", "4")]
        in_the_table = f"in the item s#k of {quick_aws_place.table}"
        assert [row[4] for row in rows[:2]] == [in_the_table] * 2
        assert {rows[2][4]} == in_bucket()
        close(server)
        page = server.http.get(f"{PATH}/k").json()
        _, rows = objects("--aws", **environ)
        assert {row[4] for row in rows} == in_bucket()
        assert server.stop() == 0
    assert [chunk["data"] for chunk in page["chunks"]] == ["0a", "0b", "1a", "1b", large[1:-1]]
    s3.close()


def test_a_stream_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    data = tmp_path / "data"
    done = run_to_end("objects", "run_1", "k", "--data", str(data))
    assert (done.returncode, data.exists()) == (1, False)
    assert done.stderr.startswith(f"runstreams: there are no streams in {data}")
    with ServerProcess(data):
        done = run_to_end("objects", "run_1", "k", "--data", str(data))
    assert done.returncode == 7
    assert done.stderr == "runstreams: run_1/k: there is no such stream (not_found)\n"


def test_a_name_that_cannot_be_one_is_refused(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "data"):
        done = run_to_end("objects", "..", "k", "--data", str(tmp_path / "data"))
    assert (done.returncode, done.stderr) == (
        2,
        "runstreams: the run id may not be '..' (invalid_name)\n",
    )
