"""What Durable Streams is answered here beyond its own conformance tests: names, keys, and the
other way to the same streams.
"""

import asyncio

import pytest

from runstreams.core.errors import InvalidName
from runstreams.core.limits import LAMBDA_BODY_BYTES
from runstreams.core.model import Closed, StreamId
from runstreams.http import Host
from runstreams.http.durable.headers import JITTER, cursor, offset
from runstreams.http.durable.names import RUN, stream_of
from runstreams.http.fields import MOST
from tests import virtual_time
from tests.http.asgi import OUT, READ, STREAM, Answer, Api, in_virtual_time, token
from tests.http.asgi import RUN as OUR_RUN

OURS = "/v1/stream/run_1/out"
"""The stream that is `READ` to our own readers."""

JSON = {"content-type": "application/json"}
TEXT = {"content-type": "text/plain"}


# Names


@pytest.mark.parametrize(
    ("name", "stream"),
    [
        ("run_1/out", StreamId("run_1", "out")),
        ("out", StreamId(RUN, "out")),
        ("a/b/c", StreamId(RUN, "a%2Fb%2Fc")),
        ("a%2Fb", StreamId(RUN, "a%252Fb")),
        ("ü", StreamId(RUN, "%C3%BC")),
        ("a/", StreamId(RUN, "a%2F")),
        (f"{RUN}/out", StreamId(RUN, f"{RUN}%2Fout")),
    ],
)
def test_a_name_is_a_run_and_a_key_or_a_key_of_one_run(name: str, stream: StreamId) -> None:
    assert stream_of(name) == stream


@pytest.mark.parametrize("name", ["", "x" * 257])
def test_what_can_be_no_key_is_no_name(name: str) -> None:
    with pytest.raises(InvalidName):
        stream_of(name)


# Who may


@in_virtual_time
async def test_a_token_does_what_its_scopes_say() -> None:
    api = Api()
    writes, reads = token("write:runs:run_1"), token("read:streams:run_1/out")
    assert (await api.ask("PUT", OURS, headers=JSON, auth=reads)).status == 403
    assert (await api.ask("PUT", OURS, headers=JSON, auth=writes)).status == 201
    assert (await api.ask("GET", OURS, auth=writes)).status == 403
    assert (await api.ask("GET", OURS, auth=reads)).body == b"[]"
    assert (await api.ask("DELETE", OURS, auth=writes)).status == 403
    assert (await api.ask("DELETE", OURS, auth=token("manage:runs:run_1"))).status == 204


@in_virtual_time
async def test_whoever_has_no_key_is_served_only_where_nobody_needs_one() -> None:
    assert (await Api().ask("PUT", OURS, auth={})).status == 401
    api = Api(Host(anonymous=True))
    assert (await api.ask("PUT", OURS, auth={})).status == 201
    assert (await api.ask("PUT", OURS, auth={"authorization": "Bearer no"})).status == 401
    assert (await api.ask("GET", READ, auth={})).status == 401


@pytest.mark.parametrize("method", ["PUT", "POST", "GET", "HEAD", "DELETE", "PATCH"])
@in_virtual_time
async def test_each_answer_keeps_a_browser_from_guessing(method: str) -> None:
    answer = await Api().ask(method, OURS, auth={})
    assert answer.status in (401, 405)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "cross-origin-resource-policy" in answer.headers


# The same streams


@in_virtual_time
async def test_what_is_written_here_is_read_there() -> None:
    api = Api()
    await api.ask("PUT", OURS, headers=JSON)
    await api.ask("POST", OURS, '[1,\n[2, 3],\n{"a":\n 4.50}]', JSON)
    assert await api.chunks() == [1, [2, 3], {"a": 4.5}]
    assert (await api.ask("GET", OURS)).body == b'[1,[2, 3],{"a":  4.50}]'


@in_virtual_time
async def test_what_is_written_there_is_read_here() -> None:
    api = Api()
    await api.ask("POST", STREAM, '1\n"zwei"\n')
    answer = await api.ask("GET", OURS)
    assert answer.body == b'[1,"zwei"]'
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["stream-next-offset"] == offset(2).decode()
    assert (await api.ask("PUT", OURS, headers=JSON)).status == 200
    assert (await api.ask("PUT", OURS, headers=TEXT)).status == 409


@in_virtual_time
async def test_both_see_the_same_end() -> None:
    api = Api()
    await api.ask("PUT", OURS, headers={**JSON, "stream-closed": "true"})
    head = await api.log.head(OUT)
    assert head is not None
    assert head.closed == Closed("completed")
    failed = StreamId("run_1", "failed")
    await api.log.close(failed, Closed("failed", "no luck"))
    answer = await api.ask("GET", "/v1/stream/run_1/failed")
    assert answer.headers["stream-closed"] == "true"
    refused = await api.ask("POST", "/v1/stream/run_1/failed", "1", JSON)
    assert refused.status == 409
    assert refused.error["status"] == "failed"


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
@in_virtual_time
async def test_bytes_are_no_chunks(accept: str) -> None:
    api = Api()
    await api.ask("PUT", OURS, b"\xff\n", TEXT)
    answer = await api.ask("GET", READ, headers={"accept": accept})
    assert answer.status == 409
    assert (answer.error["code"], answer.error["content_type"]) == ("not_json", "text/plain")
    refused = await api.ask("POST", STREAM, "1\n")
    assert (refused.status, refused.error["code"]) == (409, "not_json")
    assert (await api.ask("GET", OURS)).body == b"\xff\n"


@pytest.mark.parametrize(
    "over", [{"stream-ttl": "0"}, {"stream-expires-at": "2020-01-01T00:00:00Z"}]
)
@in_virtual_time
async def test_a_stream_that_is_over_at_once_is_not_created(over: dict[str, str]) -> None:
    answer = await Api().ask("PUT", OURS, headers={**JSON, **over})
    assert (answer.status, answer.error["code"]) == (400, "invalid_request")


@in_virtual_time
async def test_a_completed_run_takes_no_entries() -> None:
    api = Api()
    await api.ask("PUT", OURS, headers=JSON)
    await api.log.complete_run("run_1")
    assert (await api.ask("POST", OURS, "1", JSON)).status == 400
    assert (await api.ask("PUT", "/v1/stream/run_1/new", headers=JSON)).status == 400


# Entries


@pytest.mark.parametrize(
    "body", ["[1,]", "[1] 2", "[1", "1 2", '"a\nb"', "[NaN]", "[" * 300 + "]" * 300, b"\xff", "[]"]
)
@in_virtual_time
async def test_what_is_not_json_is_not_written(body: str | bytes) -> None:
    api = Api()
    await api.ask("PUT", OURS, headers=JSON)
    assert (await api.ask("POST", OURS, body, JSON)).status == 400
    assert await api.chunks() == []


@in_virtual_time
async def test_an_entry_is_one_batch_and_not_larger() -> None:
    api = Api()
    await api.ask("PUT", OURS, headers=TEXT)
    assert (await api.ask("POST", OURS, b"x" * LAMBDA_BODY_BYTES, TEXT)).status == 204
    head = await api.log.head(OUT)
    assert head is not None
    assert len(head.pending) == 1
    assert (await api.ask("POST", OURS, b"x" * (LAMBDA_BODY_BYTES + 1), TEXT)).status == 413


@in_virtual_time
async def test_an_entry_of_very_many_values_holds_nobody_up() -> None:
    api = Api()
    await api.ask("PUT", OURS, headers=JSON)
    values = b"[" + b"0," * 200_000 + b"1]"
    large = asyncio.create_task(api.ask("POST", OURS, values, JSON))
    await asyncio.sleep(0)
    assert (await api.ask("POST", "/v1/stream/other", "[2]", JSON)).status == 404
    assert not large.done()
    assert (await large).headers["stream-next-offset"] == offset(200_001).decode()


@pytest.mark.parametrize("there", [False, True])
@in_virtual_time
async def test_a_fork_that_begins_with_very_many_values_holds_nobody_up(there: bool) -> None:
    api = Api()
    await forked(api)
    new = OURS if there else "/v1/stream/run_1/new"
    values = b"[" + b"0," * 200_000 + b"1]"
    large = asyncio.create_task(api.ask("PUT", new, values, FORKED))
    await asyncio.sleep(0)
    assert (await api.ask("POST", "/v1/stream/other", "[2]", JSON)).status == 404
    assert not large.done()
    tail = 2 if there else 200_003
    assert (await large).headers["stream-next-offset"] == offset(tail).decode()


@in_virtual_time
async def test_a_large_stream_is_read_page_by_page() -> None:
    api = Api()
    body = bytes(range(256)) * 16_000
    await api.ask("PUT", OURS, body, TEXT)
    found, at, up_to_date = b"", "-1", None
    while up_to_date is None:
        answer = await api.ask("GET", f"{OURS}?offset={at}")
        found, at = found + answer.body, answer.headers["stream-next-offset"]
        up_to_date = answer.headers.get("stream-up-to-date")
        assert len(answer.body) < len(body)
    assert found == body


# Forks

SOURCE = "/v1/stream/run_1/source"
FORKED = {"stream-forked-from": SOURCE}


async def forked(api: Api, **headers: str) -> Answer:
    """Write two values to the source and fork it as `OURS`, as *headers* say."""
    await api.ask("PUT", SOURCE, '["ü", 1]', JSON)
    return await api.ask("PUT", OURS, headers=FORKED | headers)


@in_virtual_time
async def test_a_fork_is_one_stream_to_our_own_readers() -> None:
    api = Api()
    answer = await forked(api)
    assert (answer.status, answer.headers["content-type"]) == (201, "application/json")
    assert answer.headers["stream-next-offset"] == offset(2).decode()
    await api.ask("POST", STREAM, "2\n")
    await api.ask("POST", OURS, "[3]", JSON)
    await api.log.close(OUT, Closed("completed"))
    assert await api.chunks() == ["ü", 1, 2, 3]
    assert (await api.ask("GET", SOURCE)).body == '["ü",1]'.encode()


@in_virtual_time
async def test_who_forks_may_read_the_one_and_write_the_other() -> None:
    api = Api()
    await forked(api)
    for scopes, status in [
        (["write:streams:run_1/new"], 403),
        (["read:streams:run_1/source"], 403),
        (["write:streams:run_1/new", "read:streams:run_1/source"], 201),
    ]:
        path, auth = "/v1/stream/run_1/new", token(*scopes)
        assert (await api.ask("PUT", path, headers=FORKED, auth=auth)).status == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"stream-forked-from": "/v1/stream/"}, 404),
        ({"stream-forked-from": "/elsewhere/source"}, 404),
        ({"stream-forked-from": "/v1/stream/run_1%2Fsource"}, 404),
        ({**FORKED, "stream-fork-offset": "2"}, 400),
        ({**FORKED, "stream-fork-offset": "now"}, 400),
        ({**FORKED, "stream-ttl": "0"}, 400),
        ({"stream-fork-offset": offset(0).decode()}, 400),
        ({**FORKED, "stream-fork-offset": "-1"}, 201),
        ({"stream-forked-from": "http://here/v1/stream/run_1/source"}, 201),
    ],
)
@in_virtual_time
async def test_a_fork_names_a_stream_of_this_server_and_a_place_in_it(
    headers: dict[str, str], status: int
) -> None:
    api = Api()
    await api.ask("PUT", SOURCE, "[1]", JSON)
    assert (await api.ask("PUT", OURS, headers=headers)).status == status
    assert (await api.log.head(OUT) is not None) == (status == 201)


@in_virtual_time
async def test_a_deleted_stream_with_forks_keeps_its_name_from_our_own_writers() -> None:
    api = Api()
    await forked(api)
    answer = await api.ask("DELETE", "/api/v1/runs/run_1/streams/source")
    assert answer.json() == {"deleted": True}
    refused = await api.ask("POST", f"{OUR_RUN}/self/source", "2\n")
    assert (refused.status, refused.error["code"]) == (410, "stream_deleted")
    assert (await api.ask("GET", SOURCE)).status == 410
    assert await api.chunks() == ["ü", 1]
    assert (await api.ask("DELETE", OURS)).status == 204
    assert (await api.ask("GET", SOURCE)).status == 404


@in_virtual_time
async def test_a_long_poll_is_woken_by_our_own_writers() -> None:
    api = Api()
    await api.ask("PUT", OURS, headers=JSON)
    waiting = api.begin("GET", f"{OURS}?offset=now&live=long-poll")
    await asyncio.sleep(5)
    assert not waiting.is_over
    await api.write("1")
    answer = await waiting.done()
    assert (answer.status, answer.body) == (200, b"[1]")


@in_virtual_time
async def test_a_long_poll_waits_no_longer_than_the_host_lets_it() -> None:
    api = Api(Host(wait_seconds_max=3))
    await api.ask("PUT", OURS, headers=JSON)
    began = asyncio.get_running_loop().time()
    answer = await api.ask("GET", f"{OURS}?offset=-1&live=long-poll")
    assert asyncio.get_running_loop().time() - began == pytest.approx(3, abs=0.1)
    assert (answer.status, answer.headers["stream-up-to-date"]) == (204, "true")


@in_virtual_time
async def test_events_end_after_a_minute_and_go_on_at_their_offset() -> None:
    api = Api()
    await api.ask("PUT", OURS, "[1]", JSON)
    reader = api.begin("GET", f"{OURS}?offset=-1&live=sse")
    await asyncio.sleep(30)
    await api.write("2")
    answer = await reader.done()
    assert answer.complete
    first, second, *_ = answer.pieces
    assert first.startswith(b"event: data\ndata:[1]\n\nevent: control\n")
    assert second.startswith(b"event: data\ndata:[2]\n\nevent: control\n")
    assert offset(2) in second


def in_events(answer: Answer) -> str:
    """Return the text that the events of *answer* bring."""
    texts = []
    for event in answer.body.decode().split("\n\n"):
        name, *lines = event.split("\n")
        if name == "event: data":
            texts.append("\n".join(line.removeprefix("data:") for line in lines))
    return "".join(texts)


PARTED = [b"caf\xc3", b"\xa9 ", b"\xf0", b"\x9f", b"\x98", b"\x80\r", b"\nend\r", b"\n\xc3"]
"""Text whose characters and line breaks are parted by appends; the last one is never whole."""


async def write_parted(api: Api) -> None:
    for part in PARTED:
        await api.ask("POST", OURS, part, TEXT)


@in_virtual_time
async def test_events_bring_whole_characters_and_line_breaks_of_text_cut_anywhere() -> None:
    api = Api()
    await api.ask("PUT", OURS, headers=TEXT)
    readers = [api.begin("GET", f"{OURS}?offset=-1&live=sse") for _ in range(2)]
    for part in PARTED:
        await asyncio.sleep(1)
        await api.ask("POST", OURS, part, TEXT)
    await asyncio.sleep(1)
    await api.log.close(OUT, Closed("completed"))
    for reader in readers:
        assert in_events(await reader.done()) == "café 😀\nend\n\ufffd"
    assert (await api.ask("GET", OURS)).body == b"".join(PARTED)


@pytest.mark.parametrize(
    ("index", "text"),
    [(0, "café 😀\nend\n"), (1, "é 😀\nend\n"), (2, "😀\nend\n"), (5, "😀\nend\n"), (6, "\nend\n")],
)
@in_virtual_time
async def test_events_that_go_on_within_a_character_bring_all_of_it(index: int, text: str) -> None:
    """What came before the offset was told without it."""
    api = Api()
    await api.ask("PUT", OURS, headers=TEXT)
    await write_parted(api)
    at = offset(index).decode()
    assert in_events(await api.ask("GET", f"{OURS}?offset={at}&live=sse")) == text


@in_virtual_time
async def test_events_that_go_on_where_what_came_before_has_expired_bring_what_is_left() -> None:
    api = Api()
    await api.ask("PUT", OURS, headers=TEXT)
    await api.ask("POST", OURS, PARTED[0], TEXT)
    await asyncio.sleep(api.log.limits.retention_ms / 1000 - 10)
    await api.ask("POST", OURS, PARTED[1], TEXT)
    await asyncio.sleep(20)
    at = offset(1).decode()
    assert in_events(await api.ask("GET", f"{OURS}?offset={at}&live=sse")) == "\ufffd "


@in_virtual_time
async def test_events_end_before_the_hosts_time_does() -> None:
    api = Api(Host(time_left=lambda: 5))
    await api.ask("PUT", OURS, "[1]", JSON)
    began = asyncio.get_running_loop().time()
    assert (await api.ask("GET", f"{OURS}?offset=-1&live=sse")).complete
    assert asyncio.get_running_loop().time() - began < 6


@pytest.mark.parametrize("raw", [True, False])
@in_virtual_time
async def test_who_creates_a_stream_is_told_its_address(raw: bool) -> None:
    api = Api()
    headers = {**JSON, "host": "h.example", "x-forwarded-proto": "https"}
    answer = await api.ask("PUT", "/v1/stream/run_1/%C3%BC" if raw else OURS, headers=headers)
    path = "/v1/stream/run_1/%C3%BC" if raw else OURS
    assert answer.headers["location"] == f"https://h.example{path}"


@in_virtual_time
async def test_a_stream_that_is_begun_anew_ends_its_readers() -> None:
    api = Api()
    await api.ask("PUT", OURS, "[1]", JSON)
    reader = api.begin("GET", f"{OURS}?offset=-1&live=sse")
    await asyncio.sleep(1)
    await api.ask("DELETE", OURS)
    await api.ask("PUT", OURS, b"other", TEXT)
    answer = await reader.done()
    assert b"other" not in answer.body
    waiting = await api.ask("GET", f"{OURS}?offset={offset(1).decode()}")
    assert waiting.headers["content-type"] == "text/plain"


@pytest.mark.parametrize("index", [0, 2])
@in_virtual_time
async def test_a_poll_of_a_stream_that_is_begun_anew_says_that_it_is_gone(index: int) -> None:
    api = Api()
    await api.ask("PUT", OURS, "[1,2]" if index else "", JSON)
    at = offset(index).decode()
    waiting = api.begin("GET", f"{OURS}?offset={at}&live=long-poll")
    await asyncio.sleep(1)
    await api.ask("DELETE", OURS)
    await api.ask("PUT", OURS, "[3,4,5]", JSON)
    answer = await waiting.done()
    assert (answer.status, answer.error["code"]) == (404, "not_found")


@in_virtual_time
async def test_a_close_ends_the_events_and_is_told_once() -> None:
    api = Api()
    await api.ask("PUT", OURS, "[1]", JSON)
    reader = api.begin("GET", f"{OURS}?offset=-1&live=sse")
    await asyncio.sleep(1)
    await api.ask("POST", OURS, headers={"stream-closed": "true"})
    answer = await reader.done()
    assert answer.complete
    assert answer.body.count(b"streamClosed") == 1
    again = await api.ask("GET", f"{OURS}?offset=-1&live=sse")
    assert again.body.count(b"event: control") == 1


@in_virtual_time
async def test_events_from_what_has_expired_are_refused_before_they_begin() -> None:
    api = Api()
    await api.ask("PUT", OURS, '["old"]', {**JSON, "stream-ttl": f"{90 * 24 * 3600}"})
    await asyncio.sleep(29 * 24 * 3600)
    answer = await api.ask("GET", f"{OURS}?offset=-1&live=sse")
    assert answer.status == 410


@in_virtual_time
async def test_readers_at_one_place_are_sent_the_same_events() -> None:
    api = Api()
    await api.ask("PUT", OURS, "[1]", JSON)
    readers = [api.begin("GET", f"{OURS}?offset=-1&live=sse") for _ in range(5)]
    await asyncio.sleep(30)
    await api.write("2", "3")
    answers = [await reader.done() for reader in readers]
    assert len({answer.body for answer in answers}) == 1
    assert b"data:[2,3]" in answers[0].body


@in_virtual_time
async def test_where_nothing_is_sent_bit_by_bit_events_are_refused() -> None:
    api = Api(Host(sse=False))
    await api.ask("PUT", OURS, headers=JSON)
    assert (await api.ask("GET", f"{OURS}?offset=-1&live=sse")).status == 422


def test_offsets_sort_as_their_indexes_do_up_to_the_largest() -> None:
    """They never begin anew: the largest index has as many digits as all others."""
    indexes = [0, 9, 10, 10**15 - 1, 10**15, MOST - 1, MOST]
    offsets = [offset(index) for index in indexes]
    assert offsets == sorted(offsets)
    assert {len(offset) for offset in offsets} == {33}


@in_virtual_time
async def test_the_largest_offset_is_understood() -> None:
    api = Api()
    await api.ask("PUT", OURS, "[1]", JSON)
    answer = await api.ask("GET", f"{OURS}?offset={offset(MOST).decode()}")
    assert (answer.status, answer.body) == (200, b"[]")
    assert answer.headers["stream-next-offset"] == offset(1).decode()


def test_a_cursor_that_is_ahead_gets_one_further_ahead() -> None:
    now = virtual_time.START_MS
    current = cursor(now, None)
    assert cursor(now, current - 1) == current
    assert current < cursor(now, current) <= current + JITTER
    assert cursor(now + 20_000, None) == current + 1
