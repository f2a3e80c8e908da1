"""A cache's check of tokens says what the server says, to the same requests."""

import json
import subprocess
from collections.abc import Sequence
from typing import Any

import pytest

from tests.caches.vectors import KEY, KEYS, NOW, PATH, authorizations, status_for
from tests.tools import ROOT

pytestmark = pytest.mark.needs("node")

KEYED = f"Bearer {KEY}"


def decided(requests: Sequence[tuple[str, dict[str, Any], str | None]]) -> list[Any]:
    """Return what `deploy/edge/token.js` makes of requests, each a path, a query and a token."""
    fields = ("path", "query", "authorization")
    each = [dict(zip(fields, one, strict=True)) for one in requests]
    asked = {"keys": KEYS, "now": NOW, "requests": each}
    done = subprocess.run(
        ["node", str(ROOT / "tests" / "caches" / "decide.mjs")],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_it_says_to_each_token_what_the_server_says() -> None:
    asked = list(authorizations())
    found = decided([(PATH, {}, one) for one in asked])
    said = {one: each.get("status", 200) for one, each in zip(asked, found, strict=True)}
    assert said == {one: status_for(one) for one in asked}
    assert {*said.values()} == {200, 401, 403}


def test_an_address_is_written_in_one_way() -> None:
    query = {"cursor": "3", "start": "17", "generation": "1.abc-_"}
    (found,) = decided([(PATH, query, KEYED)])
    assert found == {"address": f"{PATH}?generation=1.abc-_&start=17&cursor=3"}


@pytest.mark.parametrize(
    ("path", "query"),
    [
        (PATH, {"wait": "0"}),
        (PATH, {"start": "tail"}),
        (PATH, {"start": ["1", "2"]}),
        (PATH, {"start": ""}),
        (PATH, {"generation": "a&start=1"}),
        (f"{PATH}/more", {}),
        (f"{PATH}/", {}),
        ("/realtime/v1/pages/run_1%2Fother/out", {}),
        ("/realtime/v1/pages/../out", {}),
        ("/realtime/v1/pages/%2E%2e/out", {}),
        ("/realtime/v1/pages/run_1/%zz", {}),
        ("/realtime/v1/streams/run_1/out", {}),
    ],
)
def test_what_is_no_pages_address_is_refused(path: str, query: dict[str, Any]) -> None:
    (found,) = decided([(path, query, KEYED)])
    assert (found["status"], found["code"]) == (400, "invalid_request")
