"""Routes about runs and streams: list, describe, complete, close, stop, delete."""

import asyncio
import json

import pytest

from runstreams.core.limits import CLOSE_ERROR_BYTES, DAY_MS, LIST_MAX
from runstreams.core.model import StreamId
from tests.http.asgi import OUT, READ, STREAM, Api, in_virtual_time
from tests.virtual_time import START_MS

RUN = "/api/v1/runs/run_1"
LIFE = 28 * DAY_MS


@in_virtual_time
async def test_a_stream_is_described() -> None:
    api = Api()
    await api.write('"abc"', "1")
    await asyncio.sleep(1)
    await api.write("2")
    await asyncio.sleep(1)
    await api.ask("POST", READ + "/close", '{"status":"canceled","error":"enough"}')
    assert (await api.ask("GET", RUN + "/streams/out")).json() == {
        "run": "run_1",
        "key": "out",
        "first_index": 0,
        "tail": 3,
        "bytes": 7,
        "created": START_MS,
        "updated": START_MS + 1000,
        "last_append": START_MS + 1000,
        "expires": START_MS + 2000 + LIFE,
        "closed": {"status": "canceled", "error": "enough", "code": None},
        "stop": False,
        "writers": 0,
        "leased_until": None,
        "traceparent": None,
        "fence": 0,
        "superseded": [],
    }


@in_virtual_time
async def test_a_stream_that_was_only_registered_has_no_append_yet() -> None:
    api = Api()
    await api.ask("PUT", STREAM)
    found = (await api.ask("GET", RUN + "/streams/out")).json()
    assert (found["last_append"], found["updated"], found["tail"]) == (None, START_MS, 0)


@in_virtual_time
async def test_what_is_not_there_is_404() -> None:
    api = Api()
    for target in (RUN, RUN + "/streams/out"):
        answer = await api.ask("GET", target)
        assert (answer.status, answer.error["code"]) == (404, "not_found")


@in_virtual_time
async def test_a_runs_streams_are_listed_by_key_page_by_page() -> None:
    api = Api()
    keys = sorted(f"key {n}/".replace("/", "") for n in range(25))
    for key in reversed(keys):
        await api.write("1", stream=StreamId("run_1", key))
    await api.write("1", stream=StreamId("run_2", "other"))
    seen, after = [], ""
    for _ in range(3):
        page = (await api.ask("GET", f"{RUN}/streams?limit=10{after}")).json()
        seen += [stream["key"] for stream in page["streams"]]
        after = f"&after={page['next']}".replace(" ", "%20")
    assert seen == keys
    assert page["next"] is None
    assert (await api.ask("GET", "/api/v1/runs/run_3/streams")).json() == {
        "streams": [],
        "next": None,
    }


@in_virtual_time
async def test_recent_runs_are_listed_newest_first_page_by_page() -> None:
    api = Api()
    for number in range(25):
        await api.ask("PUT", f"/api/v1/runs/run-{number}")
        if number % 2:
            await asyncio.sleep(1)
    seen, after = [], ""
    for _ in range(3):
        page = (await api.ask("GET", f"/api/v1/runs?limit=10{after}")).json()
        seen += [(run["created"], run["id"]) for run in page["runs"]]
        after = f"&after={page['next']}"
    assert len(seen) == 25
    assert seen == sorted(seen, reverse=True)
    assert page["next"] is None


@pytest.mark.parametrize("target", ["/api/v1/runs", RUN + "/streams"])
@pytest.mark.parametrize("limit", ["0", "-1", "x", "1.5", str(LIST_MAX + 1), "9" * 30, ""])
@in_virtual_time
async def test_a_page_of_a_listing_has_a_size_within_bounds(target: str, limit: str) -> None:
    answer = await Api().ask("GET", f"{target}?limit={limit}")
    assert answer.status == 400
    assert answer.error["code"] == "invalid_request"
    assert answer.error["message"].startswith("limit: ")


@pytest.mark.parametrize("after", ["x", "1", "1-", "-run", "99999999999999999-run", "1-a%00"])
@in_virtual_time
async def test_a_place_in_the_list_of_runs_must_come_from_a_page(after: str) -> None:
    answer = await Api().ask("GET", f"/api/v1/runs?after={after}")
    assert (answer.status, answer.error["code"]) == (400, "invalid_index")


@in_virtual_time
async def test_a_place_in_the_list_of_streams_must_be_a_key() -> None:
    answer = await Api().ask("GET", RUN + "/streams?after=%01")
    assert (answer.status, answer.error["code"]) == (400, "invalid_name")


@in_virtual_time
async def test_the_runs_of_a_parent_are_listed() -> None:
    api = Api()
    for number in range(6):
        await api.ask("PUT", f"/api/v1/runs/run-{number}", f'{{"parent":"above-{number % 2}"}}')
        await asyncio.sleep(1)
    page = (await api.ask("GET", "/api/v1/runs?parent=above-1&limit=2")).json()
    assert [run["id"] for run in page["runs"]] == ["run-5", "run-3"]
    more = f"/api/v1/runs?parent=above-1&limit=2&after={page['next']}"
    assert [run["id"] for run in (await api.ask("GET", more)).json()["runs"]] == ["run-1"]
    assert (await api.ask("GET", "/api/v1/runs?parent=..")).error["code"] == "invalid_name"


@in_virtual_time
async def test_a_run_is_registered_with_its_lineage() -> None:
    api = Api()
    grand = await api.ask("PUT", "/api/v1/runs/a")
    assert grand.json() == {
        "id": "a",
        "created": START_MS,
        "expires": START_MS + 2 * LIFE,
        "parent": None,
        "root": None,
        "completed": None,
        "status": "running",
        "error": None,
        "leased_until": None,
    }
    await api.ask("PUT", "/api/v1/runs/b", '{"parent":"a"}')
    child = await api.ask("PUT", "/api/v1/runs/c", '{"parent":"b"}')
    assert (child.json()["parent"], child.json()["root"]) == ("b", "a")
    assert (await api.ask("GET", "/api/v1/runs/c")).json() == child.json()


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("{", "invalid_request"),
        ("[]", "invalid_request"),
        ('"x"', "invalid_request"),
        ('{"parent":1}', "invalid_request"),
        ('{"parnt":"a"}', "invalid_request"),
        ('{"parent":"\\ud800"}', "invalid_request"),
        (b'{"parent":"\xff"}', "invalid_request"),
        ("[" * 10_000, "invalid_request"),
        ('{"parent":""}', "invalid_name"),
        ('{"parent":"a/b"}', "invalid_name"),
        ('{"root":".."}', "invalid_name"),
        (json.dumps({"parent": "p" * 129}), "invalid_name"),
    ],
)
@in_virtual_time
async def test_a_lineage_that_makes_no_sense_is_refused(body: str | bytes, code: str) -> None:
    api = Api()
    answer = await api.ask("PUT", RUN, body)
    assert (answer.status, answer.error["code"]) == (400, code)
    assert not api.store.runs.items


@in_virtual_time
async def test_completing_a_run_closes_its_streams_and_can_be_repeated() -> None:
    api = Api()
    await api.write("1")
    await api.ask("POST", "/realtime/v1/streams/run_1/failed/close", '{"status":"failed"}')
    await asyncio.sleep(1)
    for _ in range(2):
        answer = await api.ask("POST", RUN + "/complete", "{}")
        assert answer.status == 200
        assert answer.json()["completed"] == START_MS + 1000
        await asyncio.sleep(1)
    streams = (await api.ask("GET", RUN + "/streams")).json()["streams"]
    assert [(stream["key"], stream["closed"]["status"]) for stream in streams] == [
        ("failed", "failed"),
        ("out", "completed"),
    ]


@in_virtual_time
async def test_closing_is_idempotent_and_the_first_status_stays() -> None:
    api = Api()
    await api.write("1")
    first = await api.ask("POST", READ + "/close", '{"status":"failed","error":"one"}')
    again = await api.ask("POST", STREAM + "/close", '{"status":"failed","error":"two"}')
    assert first.json() == again.json()
    assert first.json() == {
        "closed": {"status": "failed", "error": "one", "code": None},
        "tail": 1,
    }
    other = await api.ask("POST", READ + "/close", '{"status":"completed"}')
    assert other.status == 409
    error = other.error
    assert (error["code"], error["status"], error["tail"]) == ("closed_differently", "failed", 1)


@pytest.mark.parametrize("body", ["", "{}", " \n", '{"status":"completed"}'])
@in_virtual_time
async def test_a_stream_is_closed_as_completed_unless_said_otherwise(body: str) -> None:
    """Also one that was never written: its readers are to end, too."""
    api = Api()
    answer = await api.ask("POST", READ + "/close", body)
    assert answer.json() == {
        "closed": {"status": "completed", "error": None, "code": None},
        "tail": 0,
    }


@pytest.mark.parametrize(
    "body",
    [
        "{",
        '{"status":"done"}',
        '{"status":null}',
        '{"error":1}',
        '{"error":0}',
        '{"status":["failed"]}',
        "[]",
        '{"status":"failed","why":"x"}',
        '{"error":"\\ud83d"}',
        b'{"error":"\xff"}',
        json.dumps({"error": "x" * (CLOSE_ERROR_BYTES + 1)}),
        json.dumps({"error": "é" * (CLOSE_ERROR_BYTES // 2 + 1)}),
    ],
)
@in_virtual_time
async def test_a_closing_that_makes_no_sense_closes_nothing(body: str | bytes) -> None:
    api = Api()
    await api.write("1")
    answer = await api.ask("POST", READ + "/close", body)
    assert (answer.status, answer.error["code"]) == (400, "invalid_request")
    assert (await api.log.head(OUT)).closed is None


@in_virtual_time
async def test_the_longest_error_is_kept_whole() -> None:
    api = Api()
    error = "\x01" * CLOSE_ERROR_BYTES
    await api.ask("POST", READ + "/close", json.dumps({"status": "failed", "error": error}))
    assert (await api.ask("GET", READ)).json()["closed"]["error"] == error


@in_virtual_time
async def test_whoever_appends_is_told_to_stop_from_then_on() -> None:
    api = Api()
    before = await api.ask("POST", STREAM, "1\n")
    assert before.headers["x-stream-stop"] == "false"
    asked = await api.ask("POST", READ + "/stop")
    assert (asked.status, asked.json()) == (200, {"stop": True, "tail": 1})
    after = await api.ask("POST", STREAM, "2\n", {"accept": "application/json"})
    assert after.headers["x-stream-stop"] == "true"
    assert after.json()["stop"] is True
    assert (await api.ask("POST", STREAM + "/append", "3")).json()["stop"] is True
    assert (await api.ask("POST", STREAM, "")).headers["x-stream-stop"] == "true"
    assert (await api.ask("GET", RUN + "/streams/out")).json()["stop"] is True


@in_virtual_time
async def test_a_deleted_stream_starts_at_0_again() -> None:
    api = Api()
    await api.ask("POST", STREAM, "1\n2\n", {"x-client-id": "c1"})
    before = (await api.ask("GET", READ)).json()["chunks"][0]["id"]
    assert (await api.ask("DELETE", RUN + "/streams/out")).json() == {"deleted": True}
    assert (await api.ask("DELETE", RUN + "/streams/out")).json() == {"deleted": False}
    head = await api.ask("HEAD", STREAM, headers={"x-client-id": "c1"})
    assert head.headers["x-last-chunk-index"] == "-1"
    await api.ask("POST", STREAM, '"new"\n')
    chunk = (await api.ask("GET", READ)).json()["chunks"][0]
    assert (chunk["index"], chunk["data"]) == (0, "new")
    assert chunk["id"] != before


@in_virtual_time
async def test_a_deleted_run_is_gone_with_its_streams_and_may_be_used_again() -> None:
    api = Api()
    for key in ("a", "b"):
        await api.write("1", stream=StreamId("run_1", key))
    await api.ask("POST", RUN + "/complete")
    assert (await api.ask("DELETE", RUN)).json() == {"streams": 2}
    assert (await api.ask("DELETE", RUN)).json() == {"streams": 0}
    assert (await api.ask("GET", RUN)).status == 404
    assert (await api.ask("POST", STREAM, "1\n")).status == 200


@in_virtual_time
async def test_a_runs_streams_may_have_any_name_that_a_stream_may_have() -> None:
    api = Api()
    for key in ("complete", "streams", "žluť", "a b", "close"):
        await api.write("1", stream=StreamId("run_1", key))
        answer = await api.ask("GET", f"{RUN}/streams/{key}".replace(" ", "%20"))
        assert answer.json()["key"] == key
