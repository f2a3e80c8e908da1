"""Our limits lie below those of the gateway and of Lambda, so that it is us who refuse, in a form
that a browser can read.
"""

import base64
import json
from typing import Any

import pytest

from runstreams.core.limits import CHUNK_BYTES, LAMBDA_BODY_BYTES
from runstreams.http.trigger import APPEND_BODY_BYTES
from tests.functions.gateway import PAYLOAD_BYTES, Gateway
from tests.functions.handlers import Functions

LINES = "application/x-ndjson"


@pytest.fixture
def gateway(functions: Functions) -> Gateway:
    return Gateway(functions)


def _body(size: int, filler: bytes = b"x") -> bytes:
    """Return lines of *size* bytes together, of strings with as much of *filler* as fits."""
    lines, line = [], b'"' + filler * (512 * 1024 // len(filler)) + b'"\n'
    while size > len(line) + 3:
        lines.append(line)
        size -= len(line)
    lines.append(b'"' + b"x" * (size - 3) + b'"\n')
    return b"".join(lines)


def _tail(gateway: Gateway) -> Any:
    return json.loads(gateway.send("read", query="start=0&wait=0&limit=1")["body"])["tail"]


def test_the_largest_body_passes_as_lines_and_all_of_it_can_be_read(gateway: Gateway) -> None:
    body = _body(LAMBDA_BODY_BYTES)
    assert len(body) == LAMBDA_BODY_BYTES
    answer = gateway.send("write", body, content_type=LINES)
    assert answer["statusCode"] == 200, answer
    at, read, tail = 0, 0, _tail(gateway)
    while at < tail:
        answer = gateway.send("read", query=f"start={at}&wait=0")
        assert answer["statusCode"] == 200, answer
        page = json.loads(answer["body"])
        read += sum(len(chunk["data"]) + 3 for chunk in page["chunks"])
        at = page["next_index"]
    assert read == LAMBDA_BODY_BYTES


@pytest.mark.parametrize("beyond", [1, 300_000])
def test_a_body_beyond_ours_is_refused_by_us_and_not_by_the_gateway(
    gateway: Gateway, beyond: int
) -> None:
    body = _body(LAMBDA_BODY_BYTES + beyond)
    answer = gateway.send("write", body, content_type=LINES, origin="https://app.example")
    assert json.loads(answer["body"])["error"]["limit"] == LAMBDA_BODY_BYTES
    assert answer["statusCode"] == 413
    assert answer["headers"]["access-control-allow-origin"]
    assert _tail(gateway) == 0


@pytest.mark.parametrize("filler", [b"x", b'\\"', "é".encode(), b"\\u0001"])
def test_the_largest_chunk_passes_both_ways_whatever_is_in_it(
    gateway: Gateway, filler: bytes
) -> None:
    chunk = b'"' + filler * ((CHUNK_BYTES - 2) // len(filler)) + b'"'
    assert gateway.send("write", chunk + b"\n", content_type=LINES)["statusCode"] == 200
    page = gateway.send("read", query="start=0&wait=0")
    assert page["statusCode"] == 200
    assert json.loads(page["body"])["chunks"][0]["data"] == json.loads(chunk)


def test_the_largest_text_passes(gateway: Gateway) -> None:
    answer = gateway.send("append", b'"' * (APPEND_BODY_BYTES - 1), content_type="text/plain")
    assert answer["statusCode"] == 200, answer


def test_text_full_of_quotes_grows_on_its_way_and_the_gateway_refuses_it_whole(
    gateway: Gateway,
) -> None:
    """docs/deployment.md tells to send it as lines."""
    body = _body(LAMBDA_BODY_BYTES, b'\\"')
    refused = gateway.send("write", body, content_type="application/json")
    assert (refused["statusCode"], refused["headers"]) == (413, {})
    assert _tail(gateway) == 0
    assert gateway.send("write", body, content_type=LINES)["statusCode"] == 200


def test_what_no_gateway_takes_is_not_even_handed_over(gateway: Gateway) -> None:
    answer = gateway.send("write", _body(10_000_001), content_type=LINES)
    assert (answer["statusCode"], "error" in answer["body"]) == (413, False)


OCTETS = "application/octet-stream"


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (OCTETS, bytes(range(256)) * (LAMBDA_BODY_BYTES // 256)),
        # Six bytes each, where Lambda writes them as JSON.
        ("text/plain", b"\0" * (PAYLOAD_BYTES // 7)),
    ],
)
def test_bytes_pass_both_ways_whatever_they_are(gateway: Gateway, kind: str, body: bytes) -> None:
    gateway.send("durable-create", content_type=kind)
    assert gateway.send("durable-append", body, content_type=kind)["statusCode"] == 204
    read, offset = b"", "-1"
    while len(read) < len(body):
        answer = gateway.send("durable-read", query=f"offset={offset}")
        assert (answer["statusCode"], answer["isBase64Encoded"]) == (200, True)
        read += base64.b64decode(answer["body"])
        offset = answer["headers"]["stream-next-offset"]
    assert read == body


def test_an_entry_beyond_ours_is_refused_by_us(gateway: Gateway) -> None:
    gateway.send("durable-create", content_type=OCTETS)
    body = bytes(LAMBDA_BODY_BYTES + 1)
    answer = gateway.send("durable-append", body, content_type=OCTETS)
    assert json.loads(answer["body"])["error"]["limit"] == LAMBDA_BODY_BYTES
    assert answer["statusCode"] == 413
