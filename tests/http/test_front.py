"""What an address alone leads to."""

from typing import Any

import pytest

from tests.http.asgi import Api, in_virtual_time

BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


@in_virtual_time
async def test_a_browser_is_led_to_the_dashboard() -> None:
    answer = await Api().ask("GET", "/", headers=BROWSER, auth={})
    assert (answer.status, answer.headers["location"]) == (302, "dashboard")
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("accept", [{}, {"accept": "*/*"}, {"accept": "application/json"}])
@in_virtual_time
async def test_whoever_is_no_browser_is_told_where_there_is_what(accept: dict[str, str]) -> None:
    api = Api()
    answer = await api.ask("GET", "/", headers=accept, auth={})
    assert (answer.status, answer.json()["name"]) == (200, "runstreams")
    for name in ("dashboard", "openapi", "health"):
        assert (await api.ask("GET", "/" + answer.json()[name], auth={})).status == 200


@in_virtual_time
async def test_head_tells_the_same_without_a_body() -> None:
    api = Api()
    told = [await api.ask(method, "/") for method in ("GET", "HEAD")]
    for answer in told:
        del answer.headers["x-request-id"]
    assert told[0].headers == told[1].headers
    assert told[1].body == b""


@pytest.mark.parametrize(
    ("path", "leads"),
    [
        ("/live", "live/dashboard"),
        ("/live/", "dashboard"),
        ("/", "dashboard"),
        ("/a/b", "b/dashboard"),
    ],
)
@in_virtual_time
async def test_below_a_stage_it_leads_to_the_dashboard_there(path: str, leads: str) -> None:
    """The gateway takes the stage out of the path, and tells it beside."""
    event: dict[str, Any] = {"aws.event": {"requestContext": {"path": path}}}
    answer = await Api().ask("GET", "/", headers=BROWSER, **event)
    assert answer.headers["location"] == leads


@in_virtual_time
async def test_nothing_is_written_there() -> None:
    answer = await Api().ask("POST", "/", "{}")
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")
