"""What the server's answers become."""

import json

import pytest

from runstreams import errors
from runstreams.core import errors as core
from runstreams.sdk.errors import Unexpected, error_of


def answer(code: str, **facts: object) -> bytes:
    return json.dumps({"error": {"code": code, "message": "why", **facts}}).encode()


@pytest.mark.parametrize(
    ("code", "kind", "facts"),
    [
        ("stream_closed", core.StreamClosed, {"status": "failed", "tail": 3}),
        ("stream_full", core.StreamFull, {"limit": 10, "size": 12}),
        ("chunk_too_large", core.ChunkTooLarge, {"limit": 10}),
        ("unauthenticated", core.Unauthenticated, {}),
        ("run_completed", core.RunCompleted, {"run": "run"}),
        ("index_expired", core.IndexExpired, {"first_index": 3}),
        ("not_found", core.NotThere, {}),
        ("busy", core.Busy, {}),
        ("no_event_stream", core.NoEventStream, {}),
    ],
)
def test_a_code_becomes_its_class(
    code: str, kind: type[errors.RunstreamsError], facts: dict[str, object]
) -> None:
    error = error_of(400, answer(code, **facts))
    assert type(error) is kind
    assert {name: getattr(error, name) for name in facts} == facts


def test_an_error_has_the_facts_of_the_answer() -> None:
    error = error_of(413, answer("stream_full", limit=10, size=12, request_id="r"))
    assert error.message == "why"
    assert error.facts == {"limit": 10, "size": 12, "request_id": "r", "http_status": 413}


def test_an_unknown_code_is_kept_as_a_fact() -> None:
    error = error_of(418, answer("teapot"))
    assert type(error) is Unexpected
    assert error.server_code == "teapot"


@pytest.mark.parametrize("wrong", [None, "3", 3.5, True, [3], {"3": 3}])
def test_a_code_without_what_it_promises_is_not_of_this_protocol(wrong: object) -> None:
    error = error_of(410, answer("index_expired", first_index=wrong, request_id="r"))
    assert type(error) is Unexpected
    assert (error.server_code, error.request_id) == ("index_expired", "r")
    assert (error.http_status, error.message) == (410, "why")
    gone = error_of(409, answer("stream_closed", status=wrong, tail=1))
    assert type(gone) is Unexpected


@pytest.mark.parametrize("wrong", ["soon", 1.5, True, [1], {}])
def test_what_an_error_may_have_and_is_not_of_its_type_is_left_out(wrong: object) -> None:
    error = error_of(503, answer("busy", retry_after=wrong, line=wrong, request_id=[wrong]))
    assert type(error) is core.Busy
    assert (error.retry_after, error.request_id) == (None, None)
    assert error.place == core.BodyPlace(None, None)


def test_the_place_in_a_body_is_told() -> None:
    error = error_of(400, answer("invalid_chunk", line=4, last_index=None))
    assert error.place == core.BodyPlace(4, None)
    assert error_of(400, answer("invalid_chunk")).place is None


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b'{"error":"text"}', b'{"error":{}}', b"\xff", b"[" * 100_000],
)
def test_an_answer_of_somebody_else_says_what_it_was(body: bytes) -> None:
    error = error_of(502, body)
    assert type(error) is Unexpected
    assert "502" in error.message


def test_every_public_error_is_one_tree() -> None:
    kinds = [getattr(errors, name) for name in errors.__all__]
    assert all(issubclass(kind, errors.RunstreamsError) for kind in kinds)
    assert len({kind.code for kind in kinds}) == len(kinds)
