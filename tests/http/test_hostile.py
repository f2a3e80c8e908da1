"""Whatever is sent: a clear answer, and nothing bad is stored."""

import json
from collections.abc import Awaitable, Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from runstreams.core.errors import RunstreamsError
from runstreams.core.json_lines import check_chunk
from tests import virtual_time
from tests.http.asgi import AUTH, READ, STREAM, Api

LINE = (
    st.sampled_from([b"1", b'"a"', b"{}", b"[1,2]", b"", b" ", b"NaN", b"{", b'"\xff"', b"1 2"])
    | st.binary(max_size=20).map(lambda line: line.replace(b"\n", b""))
    | st.text(max_size=10).map(lambda text: json.dumps(text).encode())
)
BODY = st.lists(LINE, max_size=8).map(b"\n".join)
CUTS = st.lists(st.integers(0, 60), max_size=5).map(sorted)
HEADER = st.text(st.characters(min_codepoint=0, max_codepoint=255), max_size=30)


def check(scenario: Callable[[Api], Awaitable[None]]) -> None:
    virtual_time.run(_run(scenario))


async def _run(scenario: Callable[[Api], Awaitable[None]]) -> None:
    await scenario(Api())


def good_lines(body: bytes) -> tuple[list[bytes], bool]:
    """Return the chunks before the first bad line, and whether there is a bad one."""
    chunks: list[bytes] = []
    for line in body.split(b"\n"):
        if not line.strip(b" \t\r\n"):
            continue
        try:
            chunks.append(check_chunk(line))
        except RunstreamsError:
            return chunks, True
    return chunks, False


def stored(api: Api) -> bytes:
    return b"".join(batch.lines for batch in api.store.batches.objects.values())


@given(BODY, CUTS)
@settings(max_examples=200, deadline=None)
def test_of_any_body_the_lines_before_the_first_bad_one_are_kept(
    body: bytes, cuts: list[int]
) -> None:
    async def scenario(api: Api) -> None:
        request = api.begin("POST", STREAM, {**AUTH, "x-client-id": "c1"})
        for begin, end in zip([0, *cuts], [*cuts, len(body)], strict=True):
            request.send(body[begin:end])
        request.send(b"", more=False)
        answer = await request.done()
        chunks, bad = good_lines(body)
        assert answer.status == (400 if bad else 200)
        assert stored(api) == b"".join(chunk + b"\n" for chunk in chunks)
        if bad:
            last = len(chunks) - 1 if chunks else None
            assert answer.error["last_index"] == last
            assert answer.error["line"] >= len(chunks) + 1

    check(scenario)


@given(BODY, CUTS)
@settings(max_examples=100, deadline=None)
def test_of_a_body_that_breaks_off_only_complete_good_lines_are_kept(
    body: bytes, cuts: list[int]
) -> None:
    async def scenario(api: Api) -> None:
        request = api.begin("POST", STREAM, {**AUTH, "x-client-id": "c1"})
        for begin, end in zip([0, *cuts], [*cuts, len(body)], strict=True):
            request.send(body[begin:end])
        request.go_away()
        await request.done()
        complete, _, _ = body.rpartition(b"\n")
        chunks, _ = good_lines(complete)
        assert stored(api) == b"".join(chunk + b"\n" for chunk in chunks)

    check(scenario)


@given(HEADER, HEADER, HEADER, HEADER)
@settings(max_examples=200, deadline=None)
def test_any_headers_on_a_write_are_understood_or_refused(
    client: str, number: str, accept: str, part: str
) -> None:
    async def scenario(api: Api) -> None:
        headers = {"x-client-id": client, "x-resume-from-chunk": number, "accept": accept}
        answer = await api.ask("POST", STREAM, "1\n", headers)
        assert answer.status in (200, 400, 409)
        assert bool(api.store.heads.items) == (answer.status == 200)
        answer = await api.ask("POST", STREAM + "/append", "x", {"x-part-id": part})
        assert answer.status == 200

    check(scenario)


@given(HEADER, HEADER, HEADER, HEADER)
@settings(max_examples=200, deadline=None)
def test_any_headers_on_a_read_are_understood_or_refused(
    last: str, timeout: str, start: str, accept: str
) -> None:
    async def scenario(api: Api) -> None:
        await api.write("0")
        headers = {
            "last-event-id": last,
            "timeout-seconds": timeout,
            "x-trigger-stream-start": start,
            "accept": accept + "text/event-stream",
        }
        answer = await api.ask("GET", READ, headers=headers)
        assert answer.status in (200, 400)
        if answer.status == 200:
            assert answer.complete
            assert answer.body.endswith(b"data: [DONE]\n\n")

    check(scenario)


@given(st.binary(max_size=60))
@settings(max_examples=200, deadline=None)
def test_any_query_on_a_read_is_understood_or_refused(query: bytes) -> None:
    async def scenario(api: Api) -> None:
        await api.write("0")
        request = api.begin("GET", READ, query_string=query)
        request.send(b"", more=False)
        assert (await request.done()).status in (200, 400, 416)

    check(scenario)


PATH = st.binary(max_size=300).map(
    lambda name: "".join(chr(c) if 32 < c < 127 and c not in b"?#" else f"%{c:02x}" for c in name)
)


@given(PATH, PATH)
@settings(max_examples=300, deadline=None)
def test_any_name_is_refused_or_is_the_name_that_is_stored(run: str, key: str) -> None:
    async def scenario(api: Api) -> None:
        answer = await api.ask("POST", f"/realtime/v1/streams/{run}/self/{key}", "1\n")
        assert answer.status in (200, 400, 404)
        if answer.status == 200:
            assert await api.chunks(f"/realtime/v1/streams/{run}/{key}") == [1]
        else:
            assert not api.store.heads.items

    check(scenario)


@given(st.text(max_size=40), st.binary(max_size=40))
@settings(max_examples=100, deadline=None)
def test_any_part_is_read_back_as_the_text_it_was(text: str, raw: bytes) -> None:
    async def scenario(api: Api) -> None:
        part = text.encode("utf-8", "surrogatepass")
        answer = await api.ask("POST", STREAM + "/append", part)
        try:
            expected = [part.decode()]
        except UnicodeDecodeError:
            expected = []
        assert answer.status == (200 if expected else 400)
        assert await api.chunks() == expected
        assert (await api.ask("PUT", "/api/v1/runs/run_1", raw)).status in (200, 400)
        assert (await api.ask("POST", READ + "/close", raw)).status in (200, 400)

    check(scenario)
