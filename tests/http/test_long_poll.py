"""Reading by long poll: `Accept: application/json`, or nothing said."""

import asyncio
import json
from typing import Any

import pytest

from runstreams.core.limits import (
    DAY_MS,
    PAGE_BYTES,
    PAGE_CHUNKS,
    PAGE_CHUNKS_DEFAULT,
    WAIT_SECONDS,
    WAIT_SECONDS_MAX,
    Limits,
)
from runstreams.http import Host, Stop
from tests import virtual_time
from tests.http.asgi import OUT, READ, Answer, Api, Request, in_virtual_time

NOTHING = {"chunks": [], "next_index": 0, "tail": 0, "closed": None, "leased_until": None}
"""What there is of a stream that was never written."""

COMPLETED = {"status": "completed", "error": None, "code": None}


def now() -> float:
    return asyncio.get_running_loop().time()


def poll(api: Api, query: str = "") -> Request:
    """Begin a long poll."""
    request = api.begin("GET", READ + query)
    request.send(b"", more=False)
    return request


async def answer_and_time(request: Request) -> tuple[Answer, float]:
    began = now()
    return await request.done(), now() - began


async def at_end(api: Api) -> dict[str, object]:
    """Return what is at the end of a stream of one chunk: which of its name it is, as no chunk's id
    says so there.
    """
    (chunk,) = (await api.ask("GET", READ)).json()["chunks"]
    generation = chunk["id"].removesuffix("-0")
    return NOTHING | {"next_index": 1, "tail": 1, "generation": generation}


@in_virtual_time
async def test_a_page_tells_its_chunks_and_where_to_go_on() -> None:
    api = Api()
    await api.write('{"a": [1, 2]}', '"žluť"')
    await asyncio.sleep(1)
    await api.write("3")
    answer = await api.ask("GET", READ)
    generation = (await api.log.head(OUT)).generation
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store, no-transform"
    assert answer.json() == {
        "chunks": [
            {
                "index": 0,
                "data": {"a": [1, 2]},
                "id": f"{generation}-0",
                "timestamp": virtual_time.START_MS,
            },
            {
                "index": 1,
                "data": "žluť",
                "id": f"{generation}-1",
                "timestamp": virtual_time.START_MS,
            },
            {
                "index": 2,
                "data": 3,
                "id": f"{generation}-2",
                "timestamp": virtual_time.START_MS + 1000,
            },
        ],
        "next_index": 3,
        "tail": 3,
        "closed": None,
        "leased_until": None,
    }


@in_virtual_time
async def test_chunks_go_out_exactly_as_they_came_in() -> None:
    api = Api()
    written = '{"b":1.50,\t"a" : "\\u00e9é\\/"}'
    await api.write(written)
    answer = await api.ask("GET", READ)
    assert f'"data":{written},"id"'.encode() in answer.body


@in_virtual_time
async def test_reading_goes_on_from_any_index_and_by_pages() -> None:
    api = Api()
    await api.write(*(str(n) for n in range(25)))
    index, seen = 3, []
    while index < 25:
        answer = await api.ask("GET", f"{READ}?start={index}&limit=10")
        seen += [chunk["index"] for chunk in answer.json()["chunks"]]
        index = answer.json()["next_index"]
    assert seen == list(range(3, 25))


@in_virtual_time
async def test_a_poll_at_the_tail_is_answered_as_soon_as_something_is_appended() -> None:
    api = Api()
    await api.write("0")
    request = poll(api, "?start=1")
    await asyncio.sleep(5)
    assert not request.is_over
    await api.write("1")
    answer, later = await answer_and_time(request)
    assert [chunk["data"] for chunk in answer.json()["chunks"]] == [1]
    assert later == 0


@in_virtual_time
async def test_a_poll_for_the_tail_gets_only_what_comes() -> None:
    api = Api()
    await api.write("0", "1")
    request = poll(api, "?start=tail")
    await asyncio.sleep(1)
    await api.write("2")
    answer = await request.done()
    assert [chunk["index"] for chunk in answer.json()["chunks"]] == [2]


@pytest.mark.parametrize("query", ["", "?start=0", "?start=tail"])
@in_virtual_time
async def test_a_stream_never_written_is_an_empty_page_that_waits(query: str) -> None:
    api = Api()
    request = poll(api, query)
    answer, later = await answer_and_time(request)
    assert answer.status == 200
    assert answer.json() == NOTHING
    assert later == WAIT_SECONDS
    request = poll(api, query)
    await asyncio.sleep(3)
    await api.write('"first"')
    assert [chunk["data"] for chunk in (await request.done()).json()["chunks"]] == ["first"]


@pytest.mark.parametrize(
    ("wait", "waited"), [("0", 0), ("1.5", 1.5), ("25", 25), ("600", WAIT_SECONDS_MAX)]
)
@in_virtual_time
async def test_the_wait_is_what_is_asked_for_within_what_the_host_allows(
    wait: str, waited: float
) -> None:
    api = Api()
    await api.write("0")
    answer, later = await answer_and_time(poll(api, f"?start=1&wait={wait}"))
    assert answer.json() == await at_end(api)
    assert later == pytest.approx(waited)


@in_virtual_time
async def test_the_wait_ends_before_the_hosts_time_does() -> None:
    api = Api(Host(time_left=lambda: 4.0))
    _, later = await answer_and_time(poll(api))
    assert later == 4.0


@pytest.mark.parametrize(
    "query",
    [
        "start=-1",
        "start=x",
        "start=",
        "start=1.0",
        "start=1e3",
        "start=99999999999999999",
        "start=9007199254740992",
        "start=٣",
        "start=%00",
        "start=%ff",
        "start=TAIL",
        "wait=-1",
        "wait=nan",
        "wait=inf",
        "wait=1e5",
        "wait=",
        "wait=1_0",
        "limit=0",
        "limit=-1",
        "limit=1.5",
        "limit=",
    ],
)
@in_virtual_time
async def test_a_number_out_of_range_is_refused(query: str) -> None:
    answer = await Api().ask("GET", f"{READ}?{query}")
    assert answer.status == 400
    assert answer.error["code"] == "invalid_index"
    assert query.partition("=")[0] in answer.error["message"]


@pytest.mark.parametrize("query", ["start=1&start=2", "&".join(f"x{n}=1" for n in range(30))])
@in_virtual_time
async def test_an_ambiguous_query_is_refused(query: str) -> None:
    answer = await Api().ask("GET", f"{READ}?{query}")
    assert (answer.status, answer.error["code"]) == (400, "invalid_request")


@in_virtual_time
async def test_without_limit_a_page_has_the_default_and_never_more_than_the_maximum() -> None:
    api = Api()
    for _ in range(12):
        await api.write(*["1"] * 1000)
    for query, count in (
        ("", PAGE_CHUNKS_DEFAULT),
        ("?limit=1", 1),
        ("?limit=10000", PAGE_CHUNKS),
        ("?limit=9007199254740991", PAGE_CHUNKS),
    ):
        assert len((await api.ask("GET", READ + query)).json()["chunks"]) == count


@pytest.mark.parametrize("text", ['"' + "x" * 998 + '"', '"' + "\\u00e9" * 166 + '"', "1"])
@in_virtual_time
async def test_a_page_ends_before_the_response_limit(text: str) -> None:
    api = Api()
    for _ in range(11):
        await api.write(*[text] * 1000)
    answer = await api.ask("GET", READ + "?limit=10000")
    assert len(answer.body) <= PAGE_BYTES
    assert len(answer.json()["chunks"]) >= min(10_000, PAGE_BYTES // (len(text) + 120))


@in_virtual_time
async def test_a_chunk_larger_than_a_page_is_a_page() -> None:
    api = Api()
    large = '"' + "x" * (1024 * 1024 - 2) + '"'
    await api.write(large)
    await api.write(large)
    assert len((await api.ask("GET", READ)).json()["chunks"]) == 1


@in_virtual_time
async def test_an_index_beyond_the_tail_is_refused_with_the_tail() -> None:
    api = Api()
    await api.write("0", "1")
    for target, start, tail in ((READ, 3, 2), (READ + "x", 1, 0), (READ, 2**53 - 1, 2)):
        answer = await api.ask("GET", f"{target}?start={start}")
        assert answer.status == 416
        assert (answer.error["code"], answer.error["tail"]) == ("index_beyond_tail", tail)


@in_virtual_time
async def test_an_expired_index_is_refused_with_the_first_one_left() -> None:
    api = Api(limits=Limits(retention_ms=DAY_MS))
    await api.write("0", "1")
    await asyncio.sleep(DAY_MS / 1000 - 1)
    await api.write("2")
    await asyncio.sleep(2)
    answer = await api.ask("GET", READ + "?start=1")
    assert answer.status == 410
    assert (answer.error["code"], answer.error["first_index"]) == ("index_expired", 2)
    oldest = await api.ask("GET", READ)
    assert [chunk["index"] for chunk in oldest.json()["chunks"]] == [2]


@in_virtual_time
async def test_closing_ends_a_waiting_poll_at_once() -> None:
    api = Api()
    await api.write("0")
    request = poll(api, "?start=1")
    await asyncio.sleep(1)
    closing = await api.ask(
        "POST", READ + "/close", '{"status":"failed","error":"out of \\"luck\\""}'
    )
    answer, later = await answer_and_time(request)
    closed = {"status": "failed", "error": 'out of "luck"', "code": None}
    assert closing.json() == {"closed": closed, "tail": 1}
    assert answer.json() == await at_end(api) | {"closed": closed}
    assert later == 0


@in_virtual_time
async def test_a_page_says_closed_only_when_it_reaches_the_end() -> None:
    api = Api()
    await api.write("0", "1")
    await api.ask("POST", READ + "/close")
    first = await api.ask("GET", READ + "?limit=1")
    assert first.json()["closed"] is None
    for query in ("?start=1", "?start=2", "?start=tail"):
        answer, later = await answer_and_time(poll(api, query))
        assert answer.json()["closed"] == COMPLETED
        assert later == 0


@in_virtual_time
async def test_completing_the_run_ends_a_waiting_poll() -> None:
    api = Api()
    await api.write("0")
    request = poll(api, "?start=1")
    await asyncio.sleep(1)
    await api.ask("POST", "/api/v1/runs/run_1/complete")
    assert (await request.done()).json()["closed"] == COMPLETED


@in_virtual_time
async def test_when_the_process_stops_waiting_polls_get_an_empty_page_at_once() -> None:
    stop = Stop()
    api = Api(Host(stopping=stop))
    await api.write("0")
    requests = [poll(api, query) for query in ("?start=1", "?start=tail")]
    await asyncio.sleep(1)
    end = await at_end(api)
    stop.set()
    for request in requests:
        answer, later = await answer_and_time(request)
        assert answer.json() == end
        assert later == 0
    late, later = await answer_and_time(poll(api, "?start=1"))
    assert (late.status, later) == (200, 0)


@in_virtual_time
async def test_a_client_that_goes_away_ends_its_poll_at_once() -> None:
    """That nothing is left behind is checked after each test."""
    api = Api()
    request = poll(api)
    await asyncio.sleep(1)
    request.go_away()
    answer, later = await answer_and_time(request)
    assert (answer.status, later) == (0, 0)
    assert not api.log._watches._watches


@in_virtual_time
async def test_where_nobody_tells_of_disconnects_nobody_waits_for_them() -> None:
    """Mangum's `receive` would never return."""
    api = Api(Host(disconnects=False))
    request = api.begin("GET", READ + "?wait=1")
    received = request._incoming
    request.go_away()
    assert (await request.done()).status == 200
    assert received.qsize() == 1


@in_virtual_time
async def test_a_stream_begun_anew_while_waited_for_says_so_rather_than_skip_its_beginning() -> (
    None
):
    api = Api()
    await api.write("0", "1")
    request = poll(api, "?start=2")
    await asyncio.sleep(1)
    await api.ask("DELETE", "/api/v1/runs/run_1/streams/out")
    await api.write('"a"', '"b"', '"c"')
    answer = await request.done()
    assert answer.status == 410
    assert answer.error["first_index"] == 0
    assert await api.chunks() == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("anew", "query", "status", "fact"),
    [
        (["7"], "", 200, None),
        ([], "?start=0", 200, None),
        (["7", "8"], "?start=1", 410, ("first_index", 0)),
        ([], "?start=1", 416, ("tail", 0)),
    ],
)
@in_virtual_time
async def test_a_stream_that_is_deleted_while_its_page_is_read_is_answered_as_it_is_then(
    anew: list[str], query: str, status: int, fact: tuple[str, int] | None
) -> None:
    api = Api()
    await api.write("0", "1")
    get = api.store.batches.get

    async def late(*where: Any) -> Any:
        api.store.batches.get = get
        await api.log.delete(OUT)
        for line in anew:
            await api.write(line)
        return await get(*where)

    api.store.batches.get = late
    answer = await api.ask("GET", READ + query)
    assert answer.status == status
    if fact is None:
        assert [chunk["data"] for chunk in answer.json()["chunks"]] == list(map(json.loads, anew))
    else:
        assert answer.error[fact[0]] == fact[1]


@in_virtual_time
async def test_readers_woken_together_share_one_reading_and_one_rendering() -> None:
    api = Api()
    await api.write("0")
    requests = [poll(api, "?start=1") for _ in range(100)]
    await asyncio.sleep(1)
    fetched = []
    get = api.store.batches.get
    api.store.batches.get = lambda stream, pointers: (
        fetched.append(pointers),
        get(stream, pointers),
    )[1]
    await api.write('"news"')
    bodies = [(await request.done()).pieces[0] for request in requests]
    assert len(fetched) == 1
    assert len({id(body) for body in bodies}) == 1


@in_virtual_time
async def test_a_method_that_reading_does_not_take_is_named() -> None:
    for method in ("HEAD", "POST", "DELETE", "PATCH"):
        answer = await Api().ask(method, READ)
        assert answer.status == 405
        assert answer.headers["allow"] == "GET"


@pytest.mark.parametrize("accept", ["*/*", "application/json", "text/html", ""])
@in_virtual_time
async def test_json_is_the_answer_unless_an_event_stream_is_asked_for(accept: str) -> None:
    api = Api()
    await api.write("0")
    answer = await api.ask("GET", READ, headers={"accept": accept})
    assert answer.headers["content-type"] == "application/json"
