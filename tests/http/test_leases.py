"""A producer promises to be heard of, by a header; what happens when it is, and when it is not."""

import asyncio
import json

import pytest

from runstreams.core.limits import LEASE_GRACE_MS, LEASE_SECONDS_MAX
from tests.http.asgi import AUTH, OUT, READ, STREAM, Answer, Api, in_virtual_time
from tests.http.asgi import token as token_for
from tests.virtual_time import START_MS, clock

RUN = "/api/v1/runs/run_1"
GRACE = LEASE_GRACE_MS / 1000
LOST = {
    "status": "failed",
    "error": "nothing was heard of its producer for 60 seconds",
    "code": "producer_lost",
}


async def post(api: Api, body: str = "", client: str = "c", **headers: str) -> Answer:
    """Append *body* as *client*."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await api.ask("POST", STREAM, body, {"x-client-id": client, **named})


async def hold(api: Api, body: str = "", seconds: int = 60, **more: str) -> str | None:
    """Append *body* with a promise; return until when the answer says that it holds."""
    answer = await post(api, body, x_lease_seconds=str(seconds), **more)
    assert answer.status == 200, answer.body
    return answer.headers.get("x-stream-leased-until")


async def closed(api: Api) -> object:
    """Return how a reader at the end is told that the stream was closed."""
    return (await api.ask("GET", READ + "?start=tail&wait=0")).json()["closed"]


@in_virtual_time
async def test_a_promise_comes_with_an_append_and_is_told_to_everybody() -> None:
    api = Api()
    until = START_MS + 60_000
    answer = await post(api, "1\n", x_lease_seconds="60", accept="application/json")
    assert answer.headers["x-stream-leased-until"] == str(until)
    assert answer.json()["leased_until"] == until
    page = await api.ask("GET", READ)
    described = await api.ask("GET", RUN + "/streams/out")
    assert page.json()["leased_until"] == described.json()["leased_until"] == until


@in_virtual_time
async def test_who_promises_nothing_is_told_of_no_lease() -> None:
    answer = await post(Api(), "1\n")
    assert "x-stream-leased-until" not in answer.headers


@in_virtual_time
async def test_a_post_without_lines_promises_in_silence_and_opens_the_stream() -> None:
    api = Api()
    assert await hold(api) == str(START_MS + 60_000)
    await asyncio.sleep(20)
    assert await hold(api) == str(clock() + 60_000)
    await asyncio.sleep(60 + GRACE)
    assert await closed(api) == LOST


@in_virtual_time
async def test_any_append_is_a_sign_of_life() -> None:
    api = Api()
    await hold(api, "1\n")
    for _ in range(3):
        await asyncio.sleep(60)
        await api.write('"from somebody who knows nothing of leases"')
        assert await closed(api) is None
    assert (await post(api)).headers["x-stream-leased-until"] == str(clock() + 60_000)


@in_virtual_time
async def test_the_promise_of_a_long_body_counts_from_its_last_chunk() -> None:
    api = Api()
    headers = {**AUTH, "x-client-id": "c", "x-lease-seconds": "60"}
    request = api.begin("POST", STREAM, headers)
    for _ in range(3):
        request.send(b"1\n")
        await asyncio.sleep(50)
    request.send(b"2\n", more=False)
    answer = await request.done()
    assert answer.headers["x-stream-leased-until"] == str(clock() + 60_000)


@in_virtual_time
async def test_a_resend_is_a_sign_of_life_as_well() -> None:
    api = Api()
    await hold(api, "1\n")
    await asyncio.sleep(30)
    assert await hold(api, "1\n") == str(clock() + 60_000)


@in_virtual_time
async def test_zero_seconds_take_the_promise_back_behind_the_last_lines() -> None:
    api = Api()
    await hold(api, "1\n")
    answer = await post(api, "2\n", x_resume_from_chunk="1", x_lease_seconds="0")
    assert (answer.status, answer.headers["x-stream-tail"]) == (200, "2")
    assert "x-stream-leased-until" not in answer.headers
    await asyncio.sleep(3600)
    assert await closed(api) is None


@in_virtual_time
async def test_nobody_takes_back_the_promise_of_another() -> None:
    api = Api()
    await hold(api, "1\n")
    assert await hold(api, seconds=0, client="another") == str(START_MS + 60_000)
    await hold(api, client="another")
    assert await hold(api, seconds=0) == str(START_MS + 60_000)
    await asyncio.sleep(60 + GRACE)
    assert await closed(api) == LOST


@in_virtual_time
async def test_taking_back_what_was_never_promised_is_fine() -> None:
    api = Api()
    answer = await post(api, x_lease_seconds="0")
    assert (answer.status, answer.headers["x-stream-tail"]) == (200, "0")
    assert (await api.ask("GET", RUN + "/streams/out")).status == 404


@in_virtual_time
async def test_a_waiting_poll_is_told_of_a_lost_producer() -> None:
    api = Api()
    await hold(api, "1\n")
    await asyncio.sleep(60)
    answer = await api.ask("GET", READ + "?start=1&wait=20")
    assert answer.json()["closed"] == LOST


@in_virtual_time
async def test_an_event_stream_of_a_lost_producer_ends_as_any_that_was_closed() -> None:
    api = Api()
    await hold(api, "1\n")
    async with api.following(timeout_seconds="600") as reader:
        await asyncio.sleep(61)
        assert b'"leased_until":%d' % (START_MS + 60_000) in reader.answer.body
        assert not reader.is_over
        await asyncio.sleep(GRACE + 1)
        assert reader.answer.body.endswith(b"data: [DONE]\n\n")
        assert reader.answer.complete


@pytest.mark.parametrize("target", [RUN + "/streams/out", RUN + "/streams", READ + "?wait=0"])
@in_virtual_time
async def test_whoever_asks_first_is_told(target: str) -> None:
    api = Api()
    await hold(api, "1\n")
    await asyncio.sleep(60 + GRACE)
    assert LOST["code"] in (await api.ask("GET", target)).body.decode()
    head = await api.store.heads.get(OUT)
    assert head is not None
    assert head.closed is not None


@in_virtual_time
async def test_a_producer_that_comes_back_too_late_is_told_what_happened() -> None:
    api = Api()
    await hold(api, "1\n")
    await asyncio.sleep(60 + GRACE)
    await api.ask("HEAD", STREAM, headers={"x-client-id": "c"})
    for answer in (await post(api, "2\n", x_resume_from_chunk="1"), await post(api, "2\n", "d")):
        assert answer.status == 409
        assert answer.error | {"request_id": ""} == {
            "code": "stream_closed",
            "message": f"the stream is closed: failed, since {LOST['error']}",
            "status": "failed",
            "tail": 1,
            "closed_code": "producer_lost",
            "last_index": None,
            "request_id": "",
        }
    assert (await post(api, "1\n")).status == 200
    assert (await post(api, x_lease_seconds="60")).error["code"] == "stream_closed"


@in_virtual_time
async def test_closing_by_hand_comes_first_where_nobody_has_asked_yet() -> None:
    api = Api()
    await hold(api, "1\n")
    await asyncio.sleep(3600)
    answer = await api.ask("POST", READ + "/close")
    assert answer.json()["closed"]["status"] == "completed"


@pytest.mark.parametrize("text", ["-1", "1.5", "", "x", "0x1", str(LEASE_SECONDS_MAX + 1)])
@in_virtual_time
async def test_a_promise_is_a_whole_number_of_seconds_within_its_bounds(text: str) -> None:
    for method, target in (("POST", STREAM), ("PUT", RUN)):
        headers = {"x-client-id": "c", "x-lease-seconds": text}
        answer = await Api().ask(method, target, "", headers)
        assert (answer.status, answer.error["code"]) == (400, "invalid_index")


@in_virtual_time
async def test_a_promise_needs_somebody_who_makes_it() -> None:
    for method, target in (("POST", STREAM), ("PUT", RUN)):
        answer = await Api().ask(method, target, "", {"x-lease-seconds": "60"})
        assert (answer.status, answer.error["code"]) == (400, "invalid_request")


@in_virtual_time
async def test_the_longest_promise_is_an_hour() -> None:
    assert await hold(Api(), seconds=LEASE_SECONDS_MAX) == str(START_MS + 3_600_000)


# Runs


async def run(api: Api) -> tuple[str, int | None]:
    """Return how the run is, and until when its producer has promised to be heard of."""
    said = (await api.ask("GET", RUN)).json()
    return said["status"], said["leased_until"]


async def promise(api: Api, seconds: int, client: str = "c") -> Answer:
    headers = {"x-client-id": client, "x-lease-seconds": str(seconds)}
    return await api.ask("PUT", RUN, "", headers)


@in_virtual_time
async def test_a_run_runs_until_its_producer_breaks_its_promise_and_again_when_it_comes_back() -> (
    None
):
    api = Api()
    assert (await promise(api, 60)).json()["leased_until"] == START_MS + 60_000
    assert await run(api) == ("running", START_MS + 60_000)
    await asyncio.sleep(60 + GRACE)
    assert await run(api) == ("lost", START_MS + 60_000)
    await promise(api, 60)
    assert await run(api) == ("running", clock() + 60_000)
    assert (await promise(api, 0, "another")).json()["leased_until"] is not None
    assert (await promise(api, 0)).json()["leased_until"] is None
    await asyncio.sleep(3600)
    assert await run(api) == ("running", None)


@in_virtual_time
async def test_a_run_is_completed_as_its_producer_says_and_its_streams_with_it() -> None:
    api = Api()
    await promise(api, 60)
    await api.write("1")
    body = json.dumps({"status": "failed", "error": "out of luck"})
    done = await api.ask("POST", RUN + "/complete", body)
    said = {"status": "failed", "error": "out of luck"}
    assert said.items() <= done.json().items()
    assert (done.json()["completed"], done.json()["leased_until"]) == (START_MS, None)
    assert await closed(api) == said | {"code": None}
    assert (await api.ask("POST", RUN + "/complete", body)).json() == done.json()


@in_virtual_time
async def test_a_run_that_is_completed_stays_as_it_was_completed_first() -> None:
    api = Api()
    await api.ask("POST", RUN + "/complete", '{"status":"canceled"}')
    answer = await api.ask("POST", RUN + "/complete")
    assert answer.status == 409
    assert answer.error["code"] == "completed_differently"
    assert answer.error["status"] == "canceled"
    assert await run(api) == ("canceled", None)


@pytest.mark.parametrize("body", ["[]", '{"status":"lost"}', '{"state":1}', '{"error":1}', "{"])
@in_virtual_time
async def test_a_completion_that_says_anything_else_is_refused(body: str) -> None:
    answer = await Api().ask("POST", RUN + "/complete", body)
    assert (answer.status, answer.error["code"]) == (400, "invalid_request")


@in_virtual_time
async def test_runs_are_listed_by_how_they_are() -> None:
    api = Api()
    for number in range(6):
        await api.ask("PUT", f"/api/v1/runs/run_{number}")
    for number in (1, 4):
        await api.ask("POST", f"/api/v1/runs/run_{number}/complete", '{"status":"failed"}')
    found, after = [], ""
    while after is not None:
        page = await api.ask("GET", f"/api/v1/runs?status=failed&limit=1&after={after}")
        found += [run["id"] for run in page.json()["runs"]]
        after = page.json()["next"]
    assert found == ["run_4", "run_1"]
    running = (await api.ask("GET", "/api/v1/runs?status=running")).json()["runs"]
    assert len(running) == 4


@in_virtual_time
async def test_runs_are_not_listed_by_what_they_cannot_be() -> None:
    answer = await Api().ask("GET", "/api/v1/runs?status=asleep")
    assert (answer.status, answer.error["code"]) == (400, "invalid_request")


@in_virtual_time
async def test_a_promise_for_a_run_needs_to_manage_it() -> None:
    api = Api()
    headers = {"x-client-id": "c", "x-lease-seconds": "60"}
    for scope, status in (("write:runs:run_1", 403), ("manage:runs:run_1", 200)):
        assert (await api.ask("PUT", RUN, "", headers, token_for(scope))).status == status
