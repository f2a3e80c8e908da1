"""The routes that write: R1 to R4 of the wire document, and what we add."""

import asyncio
import json

import pytest

from runstreams.core.limits import CHUNK_BYTES, Limits
from runstreams.core.model import StreamId
from runstreams.http import Host
from runstreams.http.trigger import APPEND_BODY_BYTES
from tests.http.asgi import AUTH, OUT, READ, RUN, STREAM, Api, in_virtual_time

CLIENT = {"x-client-id": "c1"}


def resume(number: int | str, client: str = "c1") -> dict[str, str]:
    return {"x-client-id": client, "x-resume-from-chunk": str(number)}


@in_virtual_time
async def test_creating_a_stream_tells_the_writer_to_send_json_lines() -> None:
    api = Api()
    answer = await api.ask("PUT", STREAM)
    assert answer.status == 202
    assert answer.json() == {"version": "v1"}
    assert "x-s2-basin" not in answer.headers
    assert await api.log.head(OUT) is not None


@in_virtual_time
async def test_creating_a_stream_again_changes_nothing() -> None:
    api = Api()
    await api.write("1")
    assert (await api.ask("PUT", STREAM)).status == 202
    assert await api.chunks() == [1]


@in_virtual_time
async def test_lines_become_chunks() -> None:
    api = Api()
    answer = await api.ask("POST", STREAM, '{"a":1}\n"two"\n3\n', CLIENT)
    assert answer.status == 200
    assert answer.body == b""
    assert await api.chunks() == [{"a": 1}, "two", 3]


@in_virtual_time
async def test_the_headers_tell_the_last_index_the_tail_and_whether_to_stop() -> None:
    api = Api()
    await api.write("0")
    answer = await api.ask("POST", STREAM, "1\n2\n", CLIENT)
    told = {
        name: answer.headers[name] for name in ("x-last-index", "x-stream-tail", "x-stream-stop")
    }
    assert told == {"x-last-index": "2", "x-stream-tail": "3", "x-stream-stop": "false"}


@pytest.mark.parametrize("call", ["", "/append"])
@pytest.mark.parametrize(("linger", "told"), [(None, None), (250, "250")])
@in_virtual_time
async def test_a_host_whose_appends_are_paid_for_advises_to_gather_chunks(
    call: str, linger: int | None, told: str | None
) -> None:
    api = Api(Host(linger_ms=linger))
    page = {**CLIENT, "origin": "https://page.example"}
    answer = await api.ask("POST", f"{STREAM}{call}", "1\n", page)
    assert answer.headers.get("x-stream-linger-ms") == told
    assert answer.headers["access-control-expose-headers"] == "*"


@in_virtual_time
async def test_a_client_that_accepts_json_is_told_the_same_in_json() -> None:
    api = Api()
    answer = await api.ask("POST", STREAM, "1\n2\n", {**CLIENT, "accept": "application/json"})
    assert answer.json() == {
        "first_index": 0,
        "last_index": 1,
        "tail": 2,
        "stop": False,
        "duplicate": False,
        "leased_until": None,
        "fence": None,
    }


@in_virtual_time
async def test_an_unterminated_last_line_counts_when_the_body_ends_cleanly() -> None:
    api = Api()
    await api.ask("POST", STREAM, "1\n2", CLIENT)
    assert await api.chunks() == [1, 2]


@in_virtual_time
async def test_blank_lines_are_not_chunks() -> None:
    api = Api()
    await api.ask("POST", STREAM, "\n1\r\n \t\n2\n\n", CLIENT)
    assert await api.chunks() == [1, 2]


@in_virtual_time
async def test_an_empty_body_stores_nothing_and_tells_the_tail() -> None:
    """An empty pipe of the published SDK ends like this."""
    api = Api()
    await api.write("1")
    answer = await api.ask("POST", STREAM, "", CLIENT)
    assert answer.status == 200
    assert answer.headers["x-stream-tail"] == "1"
    assert "x-last-index" not in answer.headers
    untouched = await api.ask("POST", f"{RUN}/self/other", "", CLIENT)
    assert untouched.headers["x-stream-tail"] == "0"


@in_virtual_time
async def test_what_arrives_together_is_one_batch_and_is_readable_before_the_body_ends() -> None:
    api = Api()
    request = api.begin("POST", STREAM, {**AUTH, **CLIENT})
    request.send(b"1\n2\n3")
    assert await _settled(api) == [1, 2]
    request.send(b"0\n4\n")
    assert await _settled(api) == [1, 2, 30, 4]
    assert [batch.lines for batch in api.store.batches.objects.values()] == [b"1\n2\n", b"30\n4\n"]
    assert request.answer.status == 0, "answered before the body ended"
    request.send(b"", more=False)
    assert (await request.done()).status == 200


async def _settled(api: Api) -> list[object]:
    await _moment()
    return await api.chunks()


async def _moment() -> None:
    await asyncio.sleep(0.001)


@in_virtual_time
async def test_a_body_that_breaks_off_keeps_its_complete_lines_and_not_the_torn_one() -> None:
    api = Api()
    request = api.begin("POST", STREAM, {**AUTH, **CLIENT})
    request.send(b'1\n2\n"torn')
    request.go_away()
    await request.done()
    assert request.answer.status == 0
    assert await api.chunks() == [1, 2]


@in_virtual_time
async def test_a_writer_that_resumes_after_a_break_loses_and_doubles_nothing() -> None:
    """PUT, POST from 0, the connection breaks, HEAD, POST from the next one: the published
    sequence.
    """
    api = Api()
    await api.ask("PUT", STREAM)
    request = api.begin("POST", STREAM, {**AUTH, **resume(0)})
    request.send(b'"a"\n"b"\n"to')
    request.go_away()
    await request.done()
    head = await api.ask("HEAD", STREAM, headers=CLIENT)
    assert head.headers["x-last-chunk-index"] == "1"
    answer = await api.ask("POST", STREAM, '"torn"\n"c"\n', resume(2))
    assert answer.status == 200
    assert await api.chunks() == ["a", "b", "torn", "c"]


@in_virtual_time
async def test_lines_that_are_stored_already_are_acknowledged_and_dropped() -> None:
    api = Api()
    await api.ask("POST", STREAM, "0\n1\n2\n", resume(0))
    again = await api.ask("POST", STREAM, "1\n2\n", {**resume(1), "accept": "application/json"})
    assert again.json() == {
        "first_index": None,
        "last_index": 2,
        "tail": 3,
        "stop": False,
        "duplicate": True,
        "leased_until": None,
        "fence": None,
    }
    overlap = await api.ask("POST", STREAM, "2\n3\n", {**resume(2), "accept": "application/json"})
    assert overlap.json()["first_index"] == 3
    assert await api.chunks() == [0, 1, 2, 3]


@in_virtual_time
async def test_a_gap_is_refused_with_the_number_expected() -> None:
    api = Api()
    await api.ask("POST", STREAM, "0\n", resume(0))
    answer = await api.ask("POST", STREAM, "5\n", resume(5))
    assert answer.status == 409
    error = answer.error
    assert (error["code"], error["expected"], error["received"]) == ("chunk_gap", 1, 5)
    assert answer.headers["x-should-retry"] == "false"
    assert await api.chunks() == [0]


@in_virtual_time
async def test_without_client_id_every_request_is_a_writer_of_its_own() -> None:
    api = Api()
    for _ in range(2):
        assert (await api.ask("POST", STREAM, '"same"\n')).status == 200
    assert await api.chunks() == ["same", "same"]


@in_virtual_time
async def test_several_writers_keep_their_own_order_in_one_stream() -> None:
    api = Api()
    writers = [api.begin("POST", STREAM, {**AUTH, **resume(0, f"c{n}")}) for n in range(8)]
    for number in range(20):
        for name, writer in enumerate(writers):
            writer.send(b"[%d,%d]\n" % (name, number))
        await _moment()
    for writer in writers:
        writer.send(b"", more=False)
        assert (await writer.done()).status == 200
    chunks = await api.chunks()
    assert len(chunks) == 160
    for name in range(8):
        assert [number for writer, number in chunks if writer == name] == list(range(20))


@in_virtual_time
async def test_halves_of_characters_are_kept_as_they_came_and_so_is_what_follows() -> None:
    """As JavaScript says text that was cut between its units: `"ok 👍 bye".split("")`."""
    api = Api()
    units = ["o", "k", " ", "\ud83d", "\udc4d", " ", "b", "y", "e"]
    body = "".join(json.dumps(unit) + "\n" for unit in units)
    assert (await api.ask("POST", STREAM, body, resume(0))).status == 200
    assert await api.chunks() == units
    async with api.following() as reader:
        await asyncio.sleep(1)
        assert rb"\"data\":\"\\ud83d\"" in reader.answer.body


@pytest.mark.parametrize(
    "bad",
    [
        b"{",
        b"nope",
        b"1 2",
        b"'a'",
        b"NaN",
        b"-Infinity",
        b"1e400",
        b"9" * 5000,
        b'"\xff"',
        b"\xef\xbb\xbf1",
        b"[" * 100_000,
        b"[" * 257 + b"]" * 257,
        b'"\x00"',
        b'"' + b"x" * CHUNK_BYTES + b'"',
    ],
)
@in_virtual_time
async def test_a_bad_line_is_named_and_only_the_lines_before_it_are_kept(bad: bytes) -> None:
    api = Api()
    await api.write('"before"')
    answer = await api.ask("POST", STREAM, b"1\n\n2\n" + bad + b"\n3\n", resume(0))
    error = answer.error
    too_large = len(bad) > CHUNK_BYTES
    assert answer.status == (413 if too_large else 400)
    assert error["code"] == ("chunk_too_large" if too_large else "invalid_chunk")
    assert (error["line"], error["last_index"]) == (4, 2)
    assert error["message"].startswith("line 4: ")
    assert await api.chunks() == ["before", 1, 2]


@in_virtual_time
async def test_a_bad_first_line_stores_nothing() -> None:
    api = Api()
    answer = await api.ask("POST", STREAM, "{\n1\n", CLIENT)
    assert (answer.error["line"], answer.error["last_index"]) == (1, None)
    assert await api.log.head(OUT) is None


@in_virtual_time
async def test_a_line_without_end_is_refused_while_it_arrives() -> None:
    api = Api()
    request = api.begin("POST", STREAM, {**AUTH, **CLIENT})
    request.send(b'1\n"')
    for _ in range(40):
        request.send(b"x" * 65_536)
    answer = await request.done()
    assert answer.status == 413
    error = answer.error
    assert (error["code"], error["line"], error["last_index"]) == ("chunk_too_large", 2, 0)
    assert error["limit"] == CHUNK_BYTES < error["size"]
    assert await api.chunks() == [1]


@pytest.mark.parametrize("value", ["-1", "1.5", "x", "", "1_0", "٣", "9" * 17, "1, 2", "0x1"])
@in_virtual_time
async def test_a_resume_header_that_is_no_index_is_refused(value: str) -> None:
    api = Api()
    raw = value.encode().decode("latin-1")
    answer = await api.ask("POST", STREAM, "1\n", resume(raw))
    assert answer.status == 400
    assert answer.error == {
        "code": "invalid_index",
        "message": f"Invalid X-Resume-From-Chunk header value: {raw}",
    }
    assert await api.log.head(OUT) is None


@in_virtual_time
async def test_a_client_never_heard_of_starts_at_0() -> None:
    api = Api()
    answer = await api.ask("POST", STREAM, "1\n", resume(2**53 - 1))
    assert (answer.status, answer.error["expected"]) == (409, 0)


@pytest.mark.parametrize("client", ["", "x" * 65, "a\x01b", "a/b", "..", "\x85"])
@in_virtual_time
async def test_a_client_id_that_is_no_name_is_refused(client: str) -> None:
    api = Api()
    for method in ("POST", "HEAD"):
        answer = await api.ask(method, STREAM, "1\n", {"x-client-id": client})
        assert answer.status == 400
        assert answer.error["code"] == "invalid_name"
    assert await api.log.head(OUT) is None


@in_virtual_time
async def test_head_counts_each_client_on_its_own_and_says_minus_one_for_the_unknown() -> None:
    api = Api()
    assert (await api.ask("HEAD", STREAM, headers=CLIENT)).headers["x-last-chunk-index"] == "-1"
    await api.ask("POST", STREAM, "1\n2\n3\n", resume(0))
    await api.ask("POST", STREAM, "1\n", resume(0, "c2"))
    for headers, last in ((CLIENT, "2"), ({"x-client-id": "c2"}, "0"), ({}, "-1")):
        answer = await api.ask("HEAD", STREAM, headers=headers)
        assert answer.status == 200
        assert answer.body == b""
        assert answer.headers["x-last-chunk-index"] == last


@in_virtual_time
async def test_get_on_the_writers_path_is_refused_as_published() -> None:
    answer = await Api().ask("GET", STREAM)
    assert answer.status == 405
    assert answer.error["message"] == "Only HEAD requests are allowed for this endpoint"
    assert answer.headers["allow"] == "POST, PUT, HEAD"


@in_virtual_time
async def test_an_appended_part_is_read_as_a_string_whatever_it_is() -> None:
    api = Api()
    for part in ("plain", '{"a":1}', "", 'quotes " and\nnewlines', "žluť 🎉", "\x00"):
        answer = await api.ask("POST", STREAM + "/append", part)
        assert answer.status == 200
    assert answer.json() == {"ok": True, "index": 5, "tail": 6, "stop": False}
    assert await api.chunks() == [
        "plain",
        '{"a":1}',
        "",
        'quotes " and\nnewlines',
        "žluť 🎉",
        "\x00",
    ]


@pytest.mark.parametrize("header", ["x-part-id", "x-trigger-request-idempotency-key"])
@in_virtual_time
async def test_a_part_that_is_sent_again_lands_once(header: str) -> None:
    api = Api()
    first = await api.ask("POST", STREAM + "/append", "a", {header: "p1"})
    await api.ask("POST", STREAM + "/append", "b", {header: "p2"})
    again = await api.ask("POST", STREAM + "/append", "a", {header: "p1"})
    assert again.json() == {**first.json(), "tail": 2}
    assert await api.chunks() == ["a", "b"]


@in_virtual_time
async def test_parts_without_id_all_land() -> None:
    api = Api()
    for _ in range(2):
        await api.ask("POST", STREAM + "/append", "a")
    assert await api.chunks() == ["a", "a"]


@in_virtual_time
async def test_a_part_of_512_kib_is_taken_and_a_larger_one_is_not() -> None:
    api = Api()
    full = await api.ask("POST", STREAM + "/append", b"x" * APPEND_BODY_BYTES)
    assert full.status == 200
    larger = await api.ask("POST", STREAM + "/append", b"x" * (APPEND_BODY_BYTES + 1))
    assert larger.status == 413
    assert larger.error == {
        "code": "body_too_large",
        "message": "Request body too large",
        "limit": APPEND_BODY_BYTES,
        "size": APPEND_BODY_BYTES + 1,
    }
    assert len(await api.chunks()) == 1


@pytest.mark.parametrize("length", [None, "", "-1", "many", "5, 5"])
@in_virtual_time
async def test_a_part_needs_its_length_in_advance(length: str | None) -> None:
    api = Api()
    headers = dict(AUTH) if length is None else {**AUTH, "content-length": length}
    request = api.begin("POST", STREAM + "/append", headers)
    request.send(b"part", more=False)
    answer = await request.done()
    assert answer.status == 413
    assert answer.error["code"] == "body_too_large"
    assert await api.log.head(OUT) is None


@in_virtual_time
async def test_a_part_longer_than_it_says_is_refused_while_it_arrives() -> None:
    api = Api()
    request = api.begin("POST", STREAM + "/append", {**AUTH, "content-length": "1"})
    for _ in range(9):
        request.send(b"x" * 65_536)
    assert (await request.done()).status == 413


@in_virtual_time
async def test_a_part_that_grows_beyond_a_chunk_when_encoded_is_refused() -> None:
    api = Api()
    answer = await api.ask("POST", STREAM + "/append", b"\x00" * APPEND_BODY_BYTES)
    assert answer.status == 413
    assert answer.error["code"] == "chunk_too_large"


@in_virtual_time
async def test_a_part_that_is_no_text_is_refused() -> None:
    api = Api()
    answer = await api.ask("POST", STREAM + "/append", b"\xff\xfe")
    assert answer.status == 400
    assert answer.error["code"] == "invalid_chunk"


@pytest.mark.parametrize("method", ["PUT", "POST", "HEAD"])
@in_virtual_time
async def test_parent_and_root_are_found_by_the_runs_lineage(method: str) -> None:
    api = Api()
    path = "/realtime/v1/streams/run_child/parent/out"
    missing = await api.ask(method, path, "1\n", CLIENT)
    assert missing.status == 404
    assert missing.error["message"] == "Target not found"
    lineage = json.dumps({"parent": "run_1", "root": "run_0"})
    await api.ask("PUT", "/api/v1/runs/run_child", lineage)
    await api.ask("POST", path, "1\n", CLIENT)
    await api.ask("POST", path.replace("parent", "root") + "/append", "2")
    assert await api.chunks() == [1]
    assert await api.chunks("/realtime/v1/streams/run_0/out") == ["2"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", f"{RUN}/input/out"),
        ("POST", f"{RUN}/brother/out"),
        ("HEAD", f"{RUN}/SELF/out"),
        ("POST", f"{RUN}/x/out/append"),
        ("POST", f"{RUN}/x/out/close"),
    ],
)
@in_virtual_time
async def test_a_target_is_self_parent_or_root(method: str, path: str) -> None:
    answer = await Api().ask(method, path, "1\n")
    assert answer.status == 400
    assert answer.error["code"] == "params"


@in_virtual_time
async def test_a_completed_run_takes_no_more_chunks_in_the_published_words() -> None:
    api = Api()
    await api.write("1")
    await api.ask("POST", "/api/v1/runs/run_1/complete")
    for path, words in (
        (STREAM, "Cannot append to a realtime stream on a completed run"),
        (STREAM + "/append", "Cannot append to a realtime stream on a completed run"),
        (f"{RUN}/self/new/append", "Cannot append to a realtime stream on a completed run"),
        (f"{RUN}/self/new", "Cannot append to a realtime stream on a completed run"),
    ):
        answer = await api.ask("POST", path, "2\n")
        assert (answer.status, answer.error["message"]) == (400, words)
    for path in (STREAM, f"{RUN}/self/new"):
        answer = await api.ask("PUT", path)
        assert answer.status == 400
        assert answer.error["message"] == ("Cannot initialize a realtime stream on a completed run")
    assert await api.chunks() == [1]


@in_virtual_time
async def test_a_closed_stream_takes_no_more_chunks_but_acknowledges_what_it_has() -> None:
    api = Api()
    await api.ask("POST", STREAM, "1\n", resume(0))
    await api.ask("POST", READ + "/close", '{"status":"failed"}')
    refused = await api.ask("POST", STREAM, "2\n", resume(1))
    assert refused.status == 409
    error = refused.error
    assert (error["code"], error["status"], error["tail"]) == ("stream_closed", "failed", 1)
    assert refused.headers["x-should-retry"] == "false"
    assert (await api.ask("POST", STREAM, "1\n", resume(0))).status == 200


@in_virtual_time
async def test_a_full_stream_is_refused_with_its_limit_and_keeps_what_it_has() -> None:
    api = Api(limits=Limits(stream_bytes=10))
    answer = await api.ask("POST", STREAM, '"12345678"\n')
    assert answer.status == 200
    full = await api.ask("POST", STREAM, "9\n")
    assert full.status == 413
    error = full.error
    assert (error["code"], error["limit"], error["size"]) == ("stream_full", 10, 11)
    assert await api.chunks() == ["12345678"]


@pytest.mark.parametrize("host", [Host(), Host(body_bytes=1000)], ids=["streamed", "whole"])
@pytest.mark.parametrize("size", [1, 5, 100])
@in_virtual_time
async def test_of_a_body_that_a_stream_has_no_room_for_the_lines_that_fit_are_kept(
    host: Host, size: int
) -> None:
    """However it arrives."""
    api = Api(host, limits=Limits(stream_bytes=10))
    body = b"12345\n\n67890\n1\n2\n"
    request = api.begin("POST", STREAM, {**AUTH, **resume(0)})
    for at in range(0, len(body), size):
        request.send(body[at : at + size])
    request.send(b"", more=False)
    full = await request.done()
    assert full.status == 413
    error = full.error
    assert (error["code"], error["line"], error["last_index"]) == ("stream_full", 4, 1)
    assert (error["limit"], error["size"]) == (10, 12 if size == 100 or host.body_bytes else 11)
    assert error["message"].startswith("line 4: ")
    assert await api.chunks() == [12345, 67890]
    resent = await api.ask("POST", STREAM, "12345\n67890\n1\n", resume(0))
    assert (resent.status, resent.error["line"], resent.error["last_index"]) == (413, 3, 1)


@in_virtual_time
async def test_where_bodies_come_whole_one_is_one_batch() -> None:
    api = Api(Host(body_bytes=1000))
    lines = "".join(f"{n}\n" for n in range(100))
    assert (await api.ask("POST", STREAM, lines, CLIENT)).status == 200
    assert [batch.lines.decode() for batch in api.store.batches.objects.values()] == [lines]


@in_virtual_time
async def test_where_bodies_come_whole_a_larger_one_is_refused_with_limit_and_size() -> None:
    api = Api(Host(body_bytes=10))
    answer = await api.ask("POST", STREAM, "1\n" * 6, CLIENT)
    assert answer.status == 413
    error = answer.error
    assert (error["code"], error["limit"], error["size"]) == ("body_too_large", 10, 12)
    assert await api.log.head(OUT) is None


@in_virtual_time
async def test_a_long_streamed_body_is_cut_into_batches() -> None:
    api = Api()
    await api.ask("POST", STREAM, "1\n" * 2500, CLIENT)
    assert [batch.lines.count(b"\n") for batch in api.store.batches.objects.values()] == [
        1000,
        1000,
        500,
    ]


@in_virtual_time
async def test_a_key_may_be_close_where_the_target_says_that_it_is_a_key() -> None:
    api = Api()
    for key in ("close", "stop", "append"):
        assert (await api.ask("POST", f"{RUN}/self/{key}", f'"{key}"\n')).status == 200
        assert await api.chunks(f"{RUN}/{key}") == [key]
    assert (await api.log.head(StreamId("run_1", "close"))).closed is None


@in_virtual_time
@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("POST", STREAM),
        ("POST", STREAM + "/append"),
        ("POST", READ + "/close"),
        ("PUT", "/api/v1/runs/run_1"),
    ],
)
async def test_a_compressed_body_is_refused_for_what_it_is(method: str, target: str) -> None:
    """Nothing unpacks it, so it would be called bad UTF-8."""
    for encoding in ("gzip", "br", "GZIP"):
        answer = await Api().ask(method, target, b"\x1f\x8b", {"content-encoding": encoding})
        assert (answer.status, answer.error["code"]) == (415, "unsupported_encoding")
        assert answer.error["encoding"] == encoding.lower()


@in_virtual_time
async def test_a_body_that_says_that_it_is_as_it_is_is_taken() -> None:
    api = Api()
    assert (await api.ask("POST", STREAM, b"1\n", {"content-encoding": "identity"})).status == 200
    assert await api.chunks() == [1]
