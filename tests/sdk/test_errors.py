"""What the server's answers become."""

import json

import pytest

from runstreams import errors
from runstreams.core import errors as core
from runstreams.sdk.errors import NoEventStream, Unexpected, error_of


def answer(code: str, **facts: object) -> bytes:
    return json.dumps({"error": {"code": code, "message": "why", **facts}}).encode()


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("stream_closed", core.StreamClosed),
        ("stream_full", core.StreamFull),
        ("chunk_too_large", core.ChunkTooLarge),
        ("unauthenticated", core.Unauthenticated),
        ("run_completed", core.RunCompleted),
        ("index_expired", core.IndexExpired),
        ("not_found", core.NotThere),
        ("busy", core.Busy),
        ("no_event_stream", NoEventStream),
    ],
)
def test_a_code_becomes_its_class(code: str, kind: type[errors.RunstreamsError]) -> None:
    assert type(error_of(400, answer(code))) is kind


def test_an_error_has_the_facts_of_the_answer() -> None:
    error = error_of(413, answer("stream_full", limit=10, size=12, request_id="r"))
    assert error.message == "why"
    assert error.facts == {"limit": 10, "size": 12, "request_id": "r", "http_status": 413}


def test_an_unknown_code_is_kept_as_a_fact() -> None:
    error = error_of(418, answer("teapot"))
    assert type(error) is Unexpected
    assert error.facts["server_code"] == "teapot"


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b'{"error":"text"}', b'{"error":{}}', b"\xff"]
)
def test_an_answer_of_somebody_else_says_what_it_was(body: bytes) -> None:
    error = error_of(502, body)
    assert type(error) is Unexpected
    assert "502" in error.message


def test_every_public_error_is_one_tree() -> None:
    kinds = [getattr(errors, name) for name in errors.__all__]
    assert all(issubclass(kind, errors.RunstreamsError) for kind in kinds)
    assert len({kind.code for kind in kinds}) == len(kinds)
