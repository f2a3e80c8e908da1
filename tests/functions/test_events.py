"""Each event in `events/` goes through the handler that its route leads to, and gets the answer
that stands in `events/expected/`.

The events are `sam local generate-event apigateway http-api-proxy`, with method, path, headers and
body of one of our routes. In an expected answer `*` stands for anything, and `after` names the
events to send before.
"""

import json
from typing import Any

import pytest

from runstreams.http.routes.whole import ROUTERS
from tests.functions.handlers import EVENTS, Functions, event
from tests.functions.template import methods_of, route_of

NAMES = sorted(path.stem for path in EVENTS.glob("*.json"))


def _masked(found: Any, expected: Any) -> Any:
    """Return *found* with `*` wherever *expected* has it."""
    if expected == "*":
        return "*" if found is not None else None
    if isinstance(found, dict) and isinstance(expected, dict):
        return {key: _masked(value, expected.get(key)) for key, value in found.items()}
    if isinstance(found, list) and isinstance(expected, list):
        return [
            _masked(value, expected[at] if at < len(expected) else None)
            for at, value in enumerate(found)
        ]
    return found


def _body(answer: Any) -> Any:
    is_json = answer["headers"].get("content-type") == "application/json"
    return json.loads(answer["body"]) if is_json and answer["body"] else answer["body"]


@pytest.mark.parametrize("name", NAMES)
def test_an_event_gets_its_answer(name: str, functions: Functions) -> None:
    """An event without an expected answer fails here."""
    expected = json.loads((EVENTS / "expected" / f"{name}.json").read_text())
    for earlier in expected.pop("after"):
        assert functions.send(event(earlier))["statusCode"] < 300
    answer = functions.send(event(name))
    found = {
        "status": answer["statusCode"],
        "headers": answer["headers"],
        "body": _body(answer),
    }
    assert _masked(found, expected) == expected


def test_every_expected_answer_is_that_of_an_event() -> None:
    assert sorted(path.stem for path in (EVENTS / "expected").glob("*.json")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_an_event_names_the_route_that_api_gateway_would_choose(name: str) -> None:
    found = event(name)
    http = found["requestContext"]["http"]
    assert route_of(http["method"], http["path"]) == found["routeKey"]


def test_there_is_an_event_for_every_route() -> None:
    """Every path and method that a router serves is sent by some event."""
    sent = {
        (event(name)["requestContext"]["http"]["method"], event(name)["rawPath"]) for name in NAMES
    }
    for router in ROUTERS:
        for route in router.routes:
            for method in methods_of(route):
                assert any(
                    method == had and route.path_regex.match(path)  # type: ignore[attr-defined]
                    for had, path in sent
                ), (method, route)
