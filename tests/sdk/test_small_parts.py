"""Durations, tokens, settings, event decoding, sources: each small, and without I/O."""

import json
from base64 import urlsafe_b64decode
from collections.abc import AsyncIterator, Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runstreams.core.access import grant, of_stream
from runstreams.core.model import StreamId
from runstreams.errors import InvalidName, InvalidSetting, InvalidSource
from runstreams.http.access import Keys
from runstreams.sdk.settings import base_url_of, token_of
from runstreams.sdk.tokens import scopes_of, seconds_of, sign
from runstreams.sdk.transports.events import Event, EventDecoder
from runstreams.sdk.writing.sources import check_source, is_async
from tests.sdk.test_values import Token


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("15m", 900), ("1h", 3600), ("0.5d", 43_200), (7, 7), ("2 h", 7200)],
)
def test_durations_are_read_as_people_write_them(text: str | float, seconds: float) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "1", "h", "-1h", "1 week", 0, -5, float("inf"), float("nan")])
def test_what_is_no_duration_is_refused(text: str | float) -> None:
    with pytest.raises(InvalidSetting):
        seconds_of(text)


def test_the_server_honours_a_token_until_it_expires() -> None:
    token = sign("secret-secret-secret", scopes_of({"read": ["run_1"]}), now=1000, seconds=60)
    keys = Keys(["secret-secret-secret"])
    granted = keys.grant(f"Bearer {token}".encode(), 1_030_000)
    assert granted.allows("read", ("runs", "run_1"))
    assert not granted.allows("read", ("runs", "run_2"))
    assert not granted.allows("write", ("runs", "run_1"))


def test_a_token_says_what_the_published_clients_say() -> None:
    said = sign("k", ["read:runs:run_1"], now=1000.9, seconds=60).split(".")[1]
    claims = json.loads(urlsafe_b64decode(said + "=="))
    assert claims["pub"] is True
    assert (claims["iat"], claims["exp"]) == (1000, 1060)


def test_a_token_may_be_for_one_stream_or_for_all() -> None:
    scopes = scopes_of({"read": ["run_1/a:b", "*"], "stop": "run_2"})
    assert scopes == ["read:streams:run_1/a:b", "read:runs", "stop:runs:run_2"]
    one = grant(["read:streams:run_1/a:b"])
    assert one.allows("read", *of_stream(StreamId("run_1", "a:b")))
    assert not one.allows("read", *of_stream(StreamId("run_1", "a")))


def test_a_token_that_allows_nothing_or_names_no_run_is_refused() -> None:
    with pytest.raises(InvalidSetting):
        scopes_of({"read": []})
    with pytest.raises(InvalidName):
        scopes_of({"read": [""]})


def test_settings_come_from_the_environment_unless_given() -> None:
    environ = {"RUNSTREAMS_URL": "https://here/", "RUNSTREAMS_SECRET_KEY": " key\n"}
    assert base_url_of(None, environ) == "https://here"
    assert base_url_of("http://there/api/", environ) == "http://there/api"
    assert base_url_of(None, {}) == "http://127.0.0.1:8787"
    assert token_of(None, environ) == "key"
    assert token_of("mine", environ) == "mine"


def test_settings_that_cannot_work_are_refused_at_once() -> None:
    with pytest.raises(InvalidSetting, match="RUNSTREAMS_SECRET_KEY"):
        token_of(None, {})
    with pytest.raises(InvalidSetting):
        token_of("key\nwith a line", {})
    with pytest.raises(InvalidSetting):
        base_url_of("localhost:8787", {})


BODY = (
    b': comment\n\nevent: batch\nid: 1\ndata: {"a":"\xc3\xbc"}\n\n'
    b"event: ping\r\ndata: {}\r\n\r\ndata: two\ndata:lines\n\ndata: [DONE]\n\ndata: torn"
)
EVENTS = [
    Event("batch", '{"a":"ü"}'),
    Event("ping", "{}"),
    Event("message", "two\nlines"),
    Event("message", "[DONE]"),
]


@given(st.lists(st.integers(0, len(BODY)), max_size=12))
def test_events_come_out_whole_however_the_body_is_cut(cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(BODY)]
    decoder = EventDecoder()
    pieces = [BODY[start:end] for start, end in pairwise(places)]
    assert [event for piece in pieces for event in decoder.feed(piece)] == EVENTS


def generator() -> Iterator[int]:
    yield 1


async def async_generator() -> AsyncIterator[int]:
    yield 1


async def coroutine() -> list[int]:
    return []


@pytest.mark.parametrize("source", [[], (), range(3), generator(), async_generator(), iter([])])
def test_an_iterable_is_a_source(source: object) -> None:
    check_source(source)


@pytest.mark.parametrize(
    "source",
    ["text", b"bytes", 5, None, {"a": 1}, Token(text="x"), list, coroutine()],
    ids=["str", "bytes", "int", "None", "dict", "model", "class", "coroutine"],
)
def test_a_value_is_no_source(source: object) -> None:
    with pytest.raises(InvalidSource):
        check_source(source)


def test_a_source_belongs_to_a_loop_or_not() -> None:
    assert is_async(async_generator())
    assert not is_async(generator())
