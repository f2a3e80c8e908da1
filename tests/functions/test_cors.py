"""What a gateway answers to browsers by itself lets them do what the application lets them."""

import pytest

from runstreams.http.edge import PREFLIGHT_SECONDS
from tests.functions.filling import Filled
from tests.functions.gateway import Gateway, preflight, shared_with
from tests.functions.handlers import Functions
from tests.functions.stream_door import RestDoor, mapped
from tests.functions.template import raw, resource
from tests.http.asgi import READ, STREAM, Api, in_virtual_time, token

OURS, LISTED, FOREIGN = "https://app.example", "https://b.example", "https://evil.example"
LIST = f"{OURS},{LISTED}"

ASKED = [
    ("GET", ["authorization"]),
    ("GET", ["Authorization", "last-event-id", "timeout-seconds", "x-trigger-source"]),
    ("POST", ["authorization", "content-type", "x-client-id", "x-resume-from-chunk"]),
    ("PUT", ["authorization", "trigger-version"]),
    ("PATCH", ["authorization"]),
    ("DELETE", ["authorization"]),
    ("PUT", ["authorization", "content-type", "stream-ttl", "stream-closed"]),
    ("POST", ["authorization", "content-type", "producer-id", "producer-epoch", "producer-seq"]),
    ("GET", []),
    ("TRACE", ["authorization"]),
]
"""Methods and headers of requests that a browser asks about beforehand."""

Headers = dict[str, str]


def permits(status: int, headers: Headers, origin: str, method: str, names: list[str]) -> bool:
    """Say whether a browser sends such a request after such a preflight (the Fetch standard)."""
    methods = headers.get("access-control-allow-methods", "").split(",")
    allowed = headers.get("access-control-allow-headers", "").lower().split(",")
    listed = [name.strip() for name in allowed]
    return (
        200 <= status <= 299
        and headers.get("access-control-allow-origin") in ("*", origin)
        and (method in methods or method in ("GET", "HEAD", "POST"))
        and all(
            name.lower() in listed or ("*" in listed and name.lower() != "authorization")
            for name in names
        )
    )


def readable(headers: Headers, origin: str) -> bool:
    """Say whether a page of *origin* may read an answer, with all its headers."""
    shown = headers.get("access-control-expose-headers")
    return headers.get("access-control-allow-origin") in ("*", origin) and shown == "*"


async def by_the_application(allowed: str, origin: str, method: str, names: list[str]) -> bool:
    api = Api(allowed_origins=tuple(allowed.split(",")))
    asked = {"origin": origin, "access-control-request-method": method}
    if names:
        asked["access-control-request-headers"] = ",".join(names)
    answer = await api.begin("OPTIONS", STREAM, asked).done()
    return permits(answer.status, answer.headers, origin, method, names)


@pytest.mark.parametrize("allowed", ["*", OURS, LIST])
@pytest.mark.parametrize("origin", [OURS, LISTED, FOREIGN])
@pytest.mark.parametrize(("method", "names"), ASKED)
@in_virtual_time
async def test_the_http_api_lets_pages_ask_what_the_application_lets_them_ask(
    allowed: str, origin: str, method: str, names: list[str]
) -> None:
    cors = Filled(raw(), AllowedOrigins=allowed).resource("Api")["CorsConfiguration"]
    by_gateway = permits(*preflight(origin, cors), origin, method, names)
    assert by_gateway == await by_the_application(allowed, origin, method, names)


@pytest.mark.parametrize("allowed", ["*", OURS, LIST])
@pytest.mark.parametrize("origin", [OURS, FOREIGN])
@pytest.mark.parametrize("auth", [{}, token("read:runs:run_1")])
@in_virtual_time
async def test_the_http_api_lets_pages_read_what_the_application_lets_them_read(
    allowed: str, origin: str, auth: Headers
) -> None:
    cors = Filled(raw(), AllowedOrigins=allowed).resource("Api")["CorsConfiguration"]
    api = Api(allowed_origins=tuple(allowed.split(",")))
    answer = await api.ask("GET", f"{READ}?wait=0", headers={"origin": origin}, auth=auth)
    assert answer.status == (200 if auth else 401)
    assert readable(shared_with(origin, cors), origin) == readable(answer.headers, origin)


def test_an_answer_of_a_function_carries_the_gateways_headers_once(functions: Functions) -> None:
    answer = Gateway(functions).send("read", query="start=0&wait=0", origin=OURS)
    assert answer["statusCode"] == 200
    assert readable(answer["headers"], OURS)
    assert answer["headers"]["access-control-allow-origin"] == "*"


@pytest.mark.parametrize("path", [STREAM, READ, "/api/v1/runs", "/v1/stream/run_1/out"])
@pytest.mark.parametrize(("method", "names"), ASKED)
@in_virtual_time
async def test_the_rest_api_lets_pages_ask_what_the_application_lets_them_ask(
    path: str, method: str, names: list[str]
) -> None:
    headers = dict(RestDoor.mock("OPTIONS", path) or [])
    by_gateway = permits(200, headers, OURS, method, names)
    assert by_gateway == await by_the_application("*", OURS, method, names)


@pytest.mark.parametrize("name", ["StreamApiRefusal", "StreamApiFailure", "StreamApiThrottled"])
def test_what_the_rest_api_refuses_by_itself_can_be_read_by_any_page(name: str) -> None:
    assert readable(dict(mapped(resource(name))), OURS)


def test_preflights_are_remembered_for_as_long_as_the_applications() -> None:
    mocked = dict(RestDoor.mock("OPTIONS", READ) or [])
    assert resource("Api")["CorsConfiguration"]["MaxAge"] == PREFLIGHT_SECONDS
    assert mocked["access-control-max-age"] == str(PREFLIGHT_SECONDS)
