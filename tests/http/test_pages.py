"""Pages that a shared cache may keep: what they say, for how long, and to whom."""

import asyncio
from typing import Any

import pytest

from runstreams.core.limits import WAIT_SECONDS, Limits
from runstreams.core.model import Closed
from runstreams.http import Host
from runstreams.http.origin import Origin
from tests import virtual_time
from tests.http.asgi import OUT, RUN, STREAM, Answer, Api, in_virtual_time, token

PAGES = "/realtime/v1/pages/run_1/out"
SECRET, NEWER = "a-secret-of-the-cache", "a-newer-secret-of-it"
VOUCHED = {"x-stream-origin-secret": SECRET}
BEHIND = {"x-stream-shared": "true"}
HALF_A_PAGE = '"' + "x" * 1_000_000 + '"'
"""Two of them are more than one page."""

LASTING = "public, max-age=0, s-maxage=60, no-transform"
LIVE = "public, max-age=0, s-maxage=1, stale-while-revalidate=5, no-transform"
PRIVATE = "private, no-store, no-transform"


def api(**more: Any) -> Api:
    return Api(Host(origin=Origin(f"{SECRET}, {NEWER}")), **more)


async def ask(api: Api, query: str = "", headers: dict[str, str] = VOUCHED) -> Answer:
    """Ask for a page as a cache does, without a token."""
    return await api.ask("GET", PAGES + query, headers=headers, auth={})


async def generation(api: Api) -> str:
    head = await api.log.head(OUT)
    assert head is not None
    return head.generation


@in_virtual_time
async def test_a_page_that_more_follows_is_kept_and_says_nothing_that_changes() -> None:
    server = api()
    await server.write(HALF_A_PAGE, HALF_A_PAGE)
    answer = await ask(server, f"?generation={await generation(server)}&start=0")
    assert answer.headers["cache-control"] == LASTING
    page = answer.json()
    assert page.keys() == {"chunks", "next_index", "closed"}
    assert (len(page["chunks"]), page["next_index"]) == (1, 1)


@in_virtual_time
async def test_a_page_up_to_the_tail_is_kept_for_a_second() -> None:
    server = api()
    await server.write("1", "2")
    answer = await ask(server, f"?generation={await generation(server)}&start=1")
    assert answer.headers["cache-control"] == LIVE
    assert (answer.json()["tail"], answer.json()["chunks"][0]["data"]) == (2, 2)


@in_virtual_time
async def test_the_last_page_of_a_closed_stream_is_kept() -> None:
    server = api()
    await server.write("1")
    await server.log.close(OUT, Closed("completed"))
    answer = await ask(server, f"?generation={await generation(server)}&start=0")
    assert answer.headers["cache-control"] == LASTING
    assert (answer.json()["closed"]["status"], answer.json()["tail"]) == ("completed", 1)


@in_virtual_time
async def test_without_a_generation_nothing_is_kept_for_longer_than_a_second() -> None:
    server = api()
    await server.write(HALF_A_PAGE, HALF_A_PAGE)
    assert (await ask(server)).headers["cache-control"] == LIVE


@in_virtual_time
async def test_a_page_is_kept_no_longer_than_its_oldest_chunk() -> None:
    server = api(limits=Limits(retention_ms=30_000))
    await server.write(HALF_A_PAGE, HALF_A_PAGE)
    address = f"?generation={await generation(server)}&start=0"
    kept = []
    for pause in (0, 10, 19.5):
        await asyncio.sleep(pause)
        kept.append((await ask(server, address)).headers["cache-control"])
    assert kept == [LASTING.replace("60", "30"), LASTING.replace("60", "20"), PRIVATE]


@in_virtual_time
async def test_a_live_page_is_not_given_out_after_its_chunk_is_gone() -> None:
    server = api(limits=Limits(retention_ms=6_000))
    await server.write("1")
    told = (await ask(server)).headers["cache-control"]
    assert told == "public, max-age=0, s-maxage=1, no-transform"


@in_virtual_time
async def test_a_stream_with_a_lifetime_of_its_own_is_kept_no_longer() -> None:
    server = api()
    told = {"stream-ttl": "15", "content-type": "application/json"}
    body = f"[{HALF_A_PAGE},{HALF_A_PAGE}]"
    assert (await server.ask("PUT", "/v1/stream/run_1/out", body, headers=told)).status == 201
    answer = await ask(server, f"?generation={await generation(server)}&start=0")
    assert answer.headers["cache-control"] == LASTING.replace("60", "15")


@in_virtual_time
async def test_a_page_that_is_known_is_not_sent_again() -> None:
    server = api()
    await server.write(HALF_A_PAGE, HALF_A_PAGE)
    address = f"?generation={await generation(server)}&start=0"
    tag = (await ask(server, address)).headers["etag"]
    answer = await ask(server, address, {**VOUCHED, "if-none-match": tag})
    assert (answer.status, answer.body, answer.headers["etag"]) == (304, b"", tag)


@in_virtual_time
async def test_a_page_is_another_one_when_more_of_its_stream_no_longer_counts() -> None:
    server = api()
    await server.write(HALF_A_PAGE, HALF_A_PAGE)
    address = f"?generation={await generation(server)}&start=0"
    before = await ask(server, address)
    await server.ask("POST", STREAM, "1\n", headers={"x-stream-supersedes": "1"})
    after = await ask(server, address, {**VOUCHED, "if-none-match": before.headers["etag"]})
    assert "superseded" not in before.json()
    assert (after.status, after.json()["superseded"]) == (200, [[1, 2]])


@in_virtual_time
async def test_a_poll_waits_for_what_comes() -> None:
    server = api()
    await server.write("1")
    asking = asyncio.create_task(ask(server, f"?generation={await generation(server)}&start=1"))
    await asyncio.sleep(5)
    await server.write("2")
    assert [chunk["data"] for chunk in (await asking).json()["chunks"]] == [2]


@in_virtual_time
async def test_an_empty_answer_leads_to_another_address() -> None:
    server = api()
    begun, query, cursors = virtual_time.clock(), "?start=0", list[int]()
    for _ in range(3):
        answer = await ask(server, query)
        assert (answer.json()["chunks"], answer.headers["cache-control"]) == ([], LIVE)
        cursors.append(answer.json()["cursor"])
        query = f"?start=0&cursor={cursors[-1]}"
    assert virtual_time.clock() - begun == 3 * WAIT_SECONDS * 1000
    assert cursors == sorted(set(cursors))


@pytest.mark.parametrize("cursor", [0, 999_999_999])
@in_virtual_time
async def test_nobody_waits_with_a_cursor_of_other_times(cursor: int) -> None:
    server, begun = api(), virtual_time.clock()
    answer = await ask(server, f"?start=0&cursor={cursor}")
    assert virtual_time.clock() == begun
    near = answer.json()["cursor"]
    await ask(server, f"?start=0&cursor={near}")
    assert virtual_time.clock() - begun == WAIT_SECONDS * 1000


@in_virtual_time
async def test_who_is_at_the_tail_is_led_to_an_address_of_these_times() -> None:
    """A cache does not join those who ask for what it has kept from long ago."""
    server = api()
    await server.write("1")
    found = [(await ask(server, "?start=0")).json()["cursor"]]
    private = await server.ask("GET", f"{RUN}/out?wait=0", headers=BEHIND)
    assert [private.json()["cursor"]] == found


@in_virtual_time
async def test_those_who_come_at_different_times_are_led_to_the_same_address() -> None:
    server = api()

    async def cursor_after(pause: float) -> Any:
        await asyncio.sleep(pause)
        return (await ask(server, "?start=0")).json()["cursor"]

    pauses = (0.0, 1.0, 2.0)
    assert len({*await asyncio.gather(*map(cursor_after, pauses))}) == 1


@in_virtual_time
async def test_a_stream_that_was_begun_anew_is_not_taken_for_the_one_before() -> None:
    server = api()
    await server.write("1")
    before = await generation(server)
    await server.log.delete(OUT)
    gone = await ask(server, f"?generation={before}&start=0")
    await server.write("2")
    anew = await ask(server, f"?generation={before}&start=0")
    for answer in (gone, anew):
        assert (answer.status, answer.error["first_index"]) == (410, 0)
        assert answer.headers["cache-control"] == "no-store"


@in_virtual_time
async def test_a_stream_that_is_begun_anew_while_a_page_is_waited_for_is_told() -> None:
    server = api()
    await server.write("1")
    asking = asyncio.create_task(ask(server, f"?generation={await generation(server)}&start=1"))
    await asyncio.sleep(1)
    await server.log.delete(OUT)
    await server.write("2", "3")
    assert (await asking).error["code"] == "index_expired"


@pytest.mark.parametrize("secret", [SECRET, NEWER])
@in_virtual_time
async def test_a_cache_with_any_of_the_secrets_needs_no_token(secret: str) -> None:
    server = api()
    await server.write("1")
    assert (await ask(server, headers={"x-stream-origin-secret": secret})).status == 200


@pytest.mark.parametrize("shown", ["", SECRET[:-1], f"{SECRET}, {SECRET}", "x" * len(SECRET)])
@in_virtual_time
async def test_another_secret_is_none(shown: str) -> None:
    server = api()
    await server.write("1")
    assert (await ask(server, headers={"x-stream-origin-secret": shown})).status == 401


@in_virtual_time
async def test_where_no_secret_is_set_an_empty_one_opens_nothing() -> None:
    server = Api()
    await server.write("1")
    assert (await ask(server, headers={"x-stream-origin-secret": ""})).status == 401


@in_virtual_time
async def test_the_secret_opens_pages_and_nothing_else() -> None:
    server = api()
    await server.write("1")
    for path in (f"{RUN}/out?wait=0", "/api/v1/runs/run_1", "/v1/stream/run_1/out"):
        assert (await server.ask("GET", path, headers=VOUCHED, auth={})).status == 401


@in_virtual_time
async def test_with_a_token_a_page_is_its_holders_alone() -> None:
    server = api()
    await server.write(HALF_A_PAGE, HALF_A_PAGE)
    query = f"?generation={await generation(server)}&start=0"
    mine = await server.ask("GET", PAGES + query, auth=token("read:runs:run_1"))
    other = await server.ask("GET", PAGES + query, auth=token("read:runs:run_2"))
    assert (mine.status, mine.headers["cache-control"]) == (200, PRIVATE)
    assert other.status == 403


@pytest.mark.parametrize("query", ["?wait=0", "?start=tail", "?start=1&start=2", "?cursor=x"])
@in_virtual_time
async def test_an_address_has_one_form(query: str) -> None:
    server = api()
    await server.write("1")
    assert (await ask(server, query)).status == 400


@in_virtual_time
async def test_what_is_shared_names_no_origin() -> None:
    server = api(allowed_origins=("https://app.example.com",))
    await server.write("1")
    origin = {"origin": "https://app.example.com"}
    for query in ("", "?generation=another"):
        answer = await ask(server, query, {**VOUCHED, **origin})
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "vary" not in answer.headers
    own = await server.ask("GET", PAGES, headers=origin)
    assert (own.headers["access-control-allow-origin"], own.headers["vary"]) == (
        "https://app.example.com",
        "Origin",
    )


@in_virtual_time
async def test_whoever_comes_through_a_cache_is_told_of_pages() -> None:
    server = api()
    await server.write("1")
    through = await server.ask("GET", f"{RUN}/out?wait=0", headers=BEHIND)
    past = await server.ask("GET", f"{RUN}/out?wait=0")
    assert (through.json()["shared"], "shared" in past.json()) == (True, False)
    assert "cursor" not in past.json()


@in_virtual_time
async def test_behind_a_cache_events_are_for_those_who_know_nothing_else() -> None:
    server = api()
    both = {"accept": "text/event-stream, application/json"}
    answer = await server.ask("GET", f"{RUN}/out", headers={**BEHIND, **both})
    assert (answer.status, answer.error["code"]) == (422, "no_event_stream")
    assert answer.error["url"] is None
    async with server.following(f"{RUN}/out", **BEHIND) as request:
        await asyncio.sleep(0.1)
        assert request.answer.status == 200


@in_virtual_time
async def test_behind_a_cache_nobody_is_led_to_event_streams_elsewhere() -> None:
    server = Api(Host(sse=False, streaming_url="https://elsewhere"))
    both = {"accept": "text/event-stream, application/json"}
    answer = await server.ask("GET", f"{RUN}/out", headers={**BEHIND, **both})
    assert (answer.status, answer.error["url"]) == (422, None)


@in_virtual_time
async def test_behind_a_cache_streams_are_read_one_by_one_but_for_a_whole_run() -> None:
    server = api()
    path = "/realtime/v1/runs/run_1/follow?wait=0"
    some = await server.ask("POST", path, '{"streams":{"out":0}}', headers=BEHIND)
    everything = await server.ask("POST", path, '{"all":true}', headers=BEHIND)
    assert (some.status, everything.status) == (422, 200)


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 16"):
        Origin("a-secret-of-the-cache short")
