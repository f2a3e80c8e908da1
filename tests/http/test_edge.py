"""What every answer has: CORS headers, a request id, our error shape."""

import logging

import pytest

from runstreams.core import errors as core
from runstreams.core.errors import RunstreamsError
from runstreams.core.reading import StreamGone
from runstreams.http.errors import STATUS, Internal, status_of
from tests.http.asgi import AUTH, READ, RUN, STREAM, Api, in_virtual_time, token
from tests.http.served_errors import served

ORIGIN = {"origin": "https://app.example"}

FAILURES = [
    ("GET", "/nowhere", {}, 404, "not_found"),
    ("POST", "/", {}, 405, "method_not_allowed"),
    ("GET", READ + "/", {}, 404, "not_found"),
    ("GET", STREAM, {}, 405, "method_not_allowed"),
    ("PATCH", READ, {}, 405, "method_not_allowed"),
    ("DELETE", "/api/v1/runs", {}, 405, "method_not_allowed"),
    ("POST", "/health", {}, 405, "method_not_allowed"),
    ("GET", READ, {"authorization": ""}, 401, "unauthenticated"),
    ("GET", "/api/v1/runs", {"authorization": "Bearer no"}, 401, "unauthenticated"),
    ("GET", READ, token("read:runs:other"), 403, "unauthorized"),
    ("GET", "/api/v1/runs", token("read:runs:run_1"), 403, "unauthorized"),
    ("POST", f"{RUN}/nobody/out", {}, 400, "params"),
    ("POST", f"{RUN}/parent/out", {}, 404, "target_not_found"),
    ("GET", f"{RUN}/%2e%2e", {}, 400, "invalid_name"),
    ("GET", READ + "?start=-1", {}, 400, "invalid_index"),
    ("GET", READ + "?start=1", {}, 416, "index_beyond_tail"),
    ("GET", "/api/v1/runs?limit=0", {}, 400, "invalid_request"),
    ("GET", "/api/v1/runs/run_1", {}, 404, "not_found"),
    ("POST", STREAM + "/append", {"content-length": "600000"}, 413, "body_too_large"),
    ("POST", STREAM, {"x-resume-from-chunk": "x"}, 400, "invalid_index"),
    ("PUT", "/api/v1/runs/run_1", {"content-length": "99999999"}, 413, "body_too_large"),
]


@pytest.mark.parametrize(("method", "target", "headers", "status", "code"), FAILURES)
@in_virtual_time
async def test_every_refusal_has_our_shape_cors_and_a_request_id(
    method: str, target: str, headers: dict[str, str], status: int, code: str
) -> None:
    """Without CORS headers a browser takes an error for a network failure, and retries for ever."""
    answer = await Api().ask(method, target, headers={**ORIGIN, **headers})
    assert (answer.status, answer.error["code"]) == (status, code)
    assert answer.error["message"]
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["content-length"] == str(len(answer.body))
    assert answer.headers["access-control-allow-origin"] == ORIGIN["origin"]
    assert answer.headers["access-control-expose-headers"] == "*"
    assert answer.headers["vary"] == "Origin"
    assert answer.headers["x-should-retry"] == "false"


@pytest.mark.parametrize("target", [READ, "/api/v1/runs/run_1/streams/out"])
@in_virtual_time
async def test_what_nobody_foresaw_is_a_500_that_tells_nothing_but_the_request_id(
    target: str, caplog: pytest.LogCaptureFixture
) -> None:
    api = Api()

    async def fail(*_: object, **__: object) -> None:
        raise RuntimeError("the inner secret")

    api.store.heads.get = fail  # type: ignore[method-assign,assignment]
    answer = await api.ask("GET", target, headers=ORIGIN)
    assert answer.status == 500
    assert answer.error == {"code": "internal", "message": "Internal Server Error"}
    assert answer.headers["access-control-allow-origin"] == ORIGIN["origin"]
    assert answer.headers["x-request-id"] in caplog.text
    assert "the inner secret" in caplog.text


@pytest.mark.parametrize("target", [READ, "/api/v1/runs/run_1/streams/out"])
@in_virtual_time
async def test_a_busy_store_says_when_to_come_back(target: str) -> None:
    api = Api()

    async def fail(*_: object, **__: object) -> None:
        raise core.Busy("too much to do", retry_after=3)

    api.store.heads.get = fail  # type: ignore[method-assign,assignment]
    answer = await api.ask("GET", target)
    assert answer.status == 503
    assert answer.headers["retry-after"] == "3"
    assert answer.error == {"code": "busy", "message": "too much to do", "retry_after": 3}
    assert "x-should-retry" not in answer.headers


@pytest.mark.parametrize(
    "target", ["/nowhere", READ, STREAM, STREAM + "/append", "/api/v1/runs", "/health"]
)
@in_virtual_time
async def test_a_preflight_is_answered_on_every_path_without_a_key(target: str) -> None:
    asked = "authorization,content-type,last-event-id,x-of-tomorrow"
    answer = await Api().ask(
        "OPTIONS", target, headers={**ORIGIN, "access-control-request-headers": asked}, auth={}
    )
    assert answer.status == 200
    assert answer.json() == {}
    assert answer.headers["access-control-allow-origin"] == ORIGIN["origin"]
    assert answer.headers["access-control-allow-methods"] == "GET,HEAD,PUT,PATCH,POST,DELETE"
    assert answer.headers["access-control-allow-headers"] == asked
    assert answer.headers["access-control-max-age"] == "300"


@in_virtual_time
async def test_only_allowed_origins_are_told_that_they_may() -> None:
    api = Api(allowed_origins=("https://app.example", "https://two.example"))
    for origin in ("https://app.example", "https://two.example"):
        answer = await api.ask("GET", "/health", headers={"origin": origin})
        assert answer.headers["access-control-allow-origin"] == origin
    for headers in ({"origin": "https://evil.example"}, {}):
        answer = await api.ask("GET", "/health", headers=headers)
        assert answer.status == 200
        assert "access-control-allow-origin" not in answer.headers
        assert answer.headers["vary"] == "Origin"


@in_virtual_time
async def test_an_origin_may_be_written_otherwise_than_browsers_send_it() -> None:
    api = Api(allowed_origins=("HTTPS://App.Example:443/",))
    answer = await api.ask("GET", "/health", headers=ORIGIN)
    assert answer.headers["access-control-allow-origin"] == ORIGIN["origin"]


def test_an_origin_that_would_never_match_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match=r"app\.example"):
        Api(allowed_origins=("app.example",))


async def test_a_page_of_any_origin_may_call_by_default() -> None:
    assert (await Api().ask("GET", "/health")).headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize("sent", ["abc-123", "a" * 128, "1-5759e988-bd862e3fe1be46a994272793"])
@in_virtual_time
async def test_a_request_keeps_the_id_it_came_with(sent: str) -> None:
    answer = await Api().ask("GET", "/health", headers={"x-request-id": sent})
    assert answer.headers["x-request-id"] == sent


@pytest.mark.parametrize("sent", ["", "a" * 129, "two words", "a\tb", '"', "\xff"])
@in_virtual_time
async def test_an_id_that_would_spoil_a_log_line_is_replaced(sent: str) -> None:
    first, second = [
        (await Api().ask("GET", "/health", headers={"x-request-id": sent})).headers["x-request-id"]
        for _ in range(2)
    ]
    assert first != sent
    assert first != second
    assert len(first) == 16


@in_virtual_time
async def test_on_lambda_the_request_id_is_api_gateways() -> None:
    event = {"requestContext": {"requestId": "JKJaXmPLvHcESHA="}}
    answer = await Api().ask("GET", "/health", **{"aws.event": event})
    assert answer.headers["x-request-id"] == "JKJaXmPLvHcESHA="


@in_virtual_time
async def test_the_access_log_has_one_line_and_neither_keys_nor_chunks(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "runstreams.access")
    api = Api()
    answer = await api.ask("POST", f"{RUN}/self/a%0Ab", '"a chunk"', {"x-request-id": "r1"})
    assert answer.status == 400
    await api.ask("GET", READ + "?wait=0")
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 2
    assert lines[0].startswith(f"r1 POST {RUN}/self/a%0Ab 400 ")
    assert " GET " + READ + " 200 " in lines[1]
    assert AUTH["authorization"].split()[1] not in caplog.text
    assert "a chunk" not in caplog.text


@pytest.mark.parametrize(
    "path",
    [
        f"{RUN}/self/a%2Fb",
        f"{RUN}/a%2fb",
        f"{RUN}/%ff",
        f"{RUN}/%ED%A0%80",
        f"{RUN}/%00",
        f"{RUN}/%0a",
        f"{RUN}/a%5Cb",
        f"{RUN}/..",
        f"{RUN}/%2e",
        f"{RUN}/" + "x" * 4096,
        "/realtime/v1/streams/" + "r" * 129 + "/out",
        "/realtime/v1/streams/%7F/out",
        "/api/v1/runs/%2e%2e/streams",
        "/api/v1/runs/a%2fb",
        "/api/v1/runs/run_1/streams/%E2%80%A8",
    ],
)
@in_virtual_time
async def test_a_name_that_cannot_be_is_refused_on_every_path(path: str) -> None:
    api = Api()
    method = "POST" if "/self/" in path else "GET"
    answer = await api.ask(method, path, "1\n")
    assert answer.status == 400
    assert answer.error["code"] == "invalid_name"
    assert not api.store.heads.items


@pytest.mark.parametrize(
    ("sent", "key"),
    [
        ("a%20b", "a b"),
        ("%C5%BElu%C5%A5", "žluť"),
        ("50%25", "50%"),
        ("50%", "50%"),
        ("100%%20off", "100% off"),
        ("a%3Fb%23c", "a?b#c"),
        ("a+b", "a+b"),
        ("$trigger.input:x", "$trigger.input:x"),
        ("%F0%9F%8E%89", "🎉"),
        ("x" * 256, "x" * 256),
    ],
)
@in_virtual_time
async def test_a_key_is_what_it_is_after_decoding(sent: str, key: str) -> None:
    """A percent sign that begins no escape stands for itself, as in browsers: published clients
    paste keys into URLs as they are.
    """
    api = Api()
    assert (await api.ask("POST", f"{RUN}/self/{sent}", "1\n")).status == 200
    assert list(api.store.heads.items["run_1"]) == [key]
    assert await api.chunks(f"{RUN}/{sent}") == [1]


@in_virtual_time
async def test_headers_sent_twice_are_joined_as_api_gateway_does_it() -> None:
    api = Api()
    pairs = [*AUTH.items(), ("x-client-id", "c1"), ("x-resume-from-chunk", "0")]
    twice = api.begin("POST", STREAM, [*pairs, ("x-resume-from-chunk", "1")])
    twice.send(b"1\n", more=False)
    assert (await twice.done()).error["message"].endswith("value: 0, 1")
    keys = api.begin("GET", READ, [*AUTH.items(), ("authorization", "Bearer other")])
    keys.send(b"", more=False)
    assert (await keys.done()).status == 401


def test_every_error_has_a_status_and_a_code_of_its_own() -> None:
    classes = served()
    # Two are the core's own affair, and answered as the class above them if they ever are.
    codes = [kind.code for kind in classes if kind not in (core.SealingBehind, StreamGone)]
    assert len(codes) == len(set(codes))
    for kind in classes:
        assert 400 <= status_of(kind) < 600


def test_the_errors_a_caller_can_mend_are_4xx_and_the_others_5xx() -> None:
    for kind, status in STATUS.items():
        ours = issubclass(kind, core.StoreError | Internal) or kind is RunstreamsError
        assert (status >= 500) == ours


@in_virtual_time
async def test_a_full_disk_is_507_and_loses_nothing() -> None:
    api = Api()
    await api.write("1")
    commit = api.store.heads.commit

    async def full(*_: object) -> None:
        raise core.StoreFull("no space left on the device")

    api.store.heads.commit = full  # type: ignore[method-assign,assignment]
    answer = await api.ask("POST", STREAM, "2\n")
    assert (answer.status, answer.error["code"]) == (507, "store_full")
    api.store.heads.commit = commit  # type: ignore[method-assign]
    assert await api.chunks() == [1]


@in_virtual_time
async def test_what_fastapi_brings_by_itself_is_not_served() -> None:
    api = Api()
    for path in ("/docs", "/redoc"):
        assert (await api.ask("GET", path, auth={})).status == 404
    assert (await api.ask("GET", "/health", auth={})).json()["status"] == "ok"
