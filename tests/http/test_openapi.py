"""The OpenAPI document is true: it names each route, parameter, header and error that there is and
no others. Beside what is here, each answer of each test in this folder is held against it.
"""

import re
from collections import defaultdict
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from fastapi.routing import APIRoute
from openapi_spec_validator import validate

from runstreams.core.errors import Busy
from runstreams.core.limits import LEASE_SECONDS_MAX, LIST_DEFAULT, LIST_MAX
from runstreams.http import Keys, errors, trigger
from runstreams.http.openapi import durable, operations
from runstreams.http.openapi.parts import HEADERS, PARAMETERS
from runstreams.http.openapi.refusals import EVERY, Kind
from runstreams.http.routes import managing
from runstreams.http.routes.closing import VERBS
from tests.http.asgi import READ, STREAM, Api, in_virtual_time, token
from tests.http.described import DOCUMENT, _there, operation_of, wrong
from tests.http.served_errors import served
from tests.http.test_protocol_page import ABSTRACT, PAGE, elsewhere, routes

SOURCE = Path(errors.__file__).parent
OPERATIONS = [
    (method.upper(), path) for path, methods in DOCUMENT["paths"].items() for method in methods
]


def test_it_is_a_document_of_openapi() -> None:
    validate(DOCUMENT)


def test_it_names_each_route_and_no_other() -> None:
    by_name = {f"POST /realtime/v1/streams/{{run}}/{{key}}/{verb}" for verb in VERBS}
    there = {*routes(), *elsewhere(), *by_name}
    assert {f"{method} {path}" for method, path in OPERATIONS} == there


def test_no_operation_has_the_name_of_another() -> None:
    names = [operation["operationId"] for operation in _all()]
    assert len(names) == len(set(names))


def test_it_names_each_error_that_is_served_with_its_status() -> None:
    kinds = {kind.code: str(errors.status_of(kind)) for kind in served()}
    unnamed = {"method_not_allowed", *(ABSTRACT - {"store_error"})}
    assert {kind.code for kind in EVERY} == kinds.keys() - unnamed
    kinds |= {kind.code: str(errors.status_of(kind)) for kind in durable.KINDS}
    for operation in _all():
        for status, answer in operation["responses"].items():
            for code in re.findall(r"`(\w+)`", answer["description"] * (int(status) >= 400)):
                assert kinds[code] == status


@pytest.mark.parametrize(
    "operation", [*operations.OPERATIONS, *durable.OPERATIONS], ids=lambda each: each.name
)
def test_a_refusal_is_said_to_have_the_headers_that_its_errors_are_sent_with(
    operation: operations.Operation,
) -> None:
    answers = DOCUMENT["paths"][operation.path][operation.method.lower()]["responses"]
    sent = defaultdict[str, set[str]](set)
    for kind in operation.kinds:
        sent[str(errors.status_of(kind))] |= _sent_with(kind)
    said = {status: {name.lower() for name in answers[status]["headers"]} for status in sent}
    more = {"x-request-id", *map(str.lower, operation.refused_headers)}
    assert {status: names - more for status, names in said.items()} == sent


def _sent_with(kind: Kind) -> set[str]:
    """Return the headers of an error of *kind* that tells all that it may."""
    known = DOCUMENT["components"]["schemas"][kind.__name__]["properties"]
    facts = {each.name: 1 for each in fields(kind) if each.default is MISSING}
    facts |= {"retry_after": 1} if "retry_after" in known else {}
    headers = errors.refusal(kind(**{**facts, "message": "why"}), "id").headers
    return {name.decode() for name, _ in headers} - {"content-type", "content-length"}


def test_each_header_that_the_code_reads_or_sends_is_in_it() -> None:
    """Those of CORS are in its introduction, and those of a host or a proxy are not the API's."""
    written = re.findall(r'b"((?:x|X)-[a-z-]+)"', "".join(map(_text, SOURCE.rglob("*.py"))))
    named = {part["name"].lower() for part in PARAMETERS.values() if part["in"] == "header"}
    named |= {name.lower() for name in HEADERS}
    assert {*written} - {"x-request-id", "x-forwarded-proto"} <= named


def test_each_header_that_the_protocol_names_is_in_it() -> None:
    named = {part["name"].lower() for part in PARAMETERS.values()} | {*map(str.lower, HEADERS)}
    assert {name.lower() for name in re.findall(r"`(X-[A-Za-z-]+)", PAGE)} <= named


@pytest.mark.parametrize(
    "route", [route for route in managing.router.routes if isinstance(route, APIRoute)], ids=str
)
def test_a_typed_route_takes_the_queries_that_are_said_of_it(route: APIRoute) -> None:
    method = min(route.methods)
    said = DOCUMENT["paths"][route.path][method.lower()]["parameters"]
    queries = {part["name"] for part in map(_there, said) if part["in"] == "query"}
    assert queries == {field.alias for field in route.dependant.query_params}


def test_the_bounds_that_are_said_are_those_that_hold() -> None:
    bounds = PARAMETERS["limit"]["schema"]
    assert (bounds["maximum"], bounds["default"]) == (LIST_MAX, LIST_DEFAULT)
    assert PARAMETERS["lease"]["schema"]["maximum"] == LEASE_SECONDS_MAX
    assert {part["name"] for part in PARAMETERS.values() if part["name"] in ("start", "wait")}


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
@in_virtual_time
async def test_a_key_is_asked_for_where_it_is_said(method: str, path: str) -> None:
    """Whoever has none gets 401, and a token without scopes 403."""
    api, needs = Api(), DOCUMENT["paths"][path][method.lower()]["security"]
    target = _filled(path)
    body = '{"all":true}' if path.endswith("/follow") else "{}"
    answers = [await api.ask(method, target, body, auth=auth) for auth in ({}, token())]
    if needs:
        assert [answer.status for answer in answers] == [401, 403]
    else:
        assert not {answer.status for answer in answers} & {401, 403}


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
@in_virtual_time
async def test_keys_that_are_looked_up_are_an_answer_where_a_key_is_asked_for(
    method: str, path: str
) -> None:
    """A server beside a deployment, or a function, may not know them yet."""
    needs = DOCUMENT["paths"][path][method.lower()]["security"]
    api = Api()
    with patch.object(Keys, "grant", side_effect=Busy("looked up", retry_after=1)):
        answer = await api.ask(method, _filled(path), "{}")  # held against the document
    assert (answer.status == 503) == bool(needs)


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
@in_virtual_time
async def test_an_operation_is_answered_as_it_is_said_to_be(method: str, path: str) -> None:
    """With its body and without, before and after there is what it asks for, twice."""
    api = Api()
    for body in ("", '{"data":1}', '{"status":"failed"}', '{"all":true}', "[", "{}"):
        for _ in range(2):
            answer = await api.ask(method, _filled(path), body, {"accept": "application/json"})
            assert answer.status != 404 or "404" in operation_of(method, path)["responses"]  # type: ignore[index]
        await api.ask("POST", STREAM, "1\n")
        await api.ask("PUT", "/api/v1/runs/run_1", '{"parent":"a"}')


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("GET", READ, ""), ("POST", "/realtime/v1/runs/run_1/follow", '{"streams":{"out":0}}')],
)
@in_virtual_time
async def test_an_event_stream_is_answered_as_it_is_said_to_be(
    method: str, path: str, body: str
) -> None:
    api = Api()
    await api.write("1")
    await api.ask("POST", READ + "/close")
    answer = await api.ask(method, path, body, {"accept": "text/event-stream"})
    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.complete


@in_virtual_time
async def test_an_answer_that_it_does_not_name_is_noticed() -> None:
    """Or the tests here would prove nothing."""
    path = "/api/v1/runs/run_1/streams/out"
    headers = {"content-type": "application/json", "x-new": "1"}
    found = [*wrong("GET", path, 200, headers, b'{"run":1,"more":2}')]
    assert len(found) >= 4
    assert any("x-new" in each for each in found)
    assert any("'more' was unexpected" in each for each in found)
    assert [*wrong("GET", path, 418, {}, b"")]


@in_virtual_time
async def test_it_is_sent_to_whoever_asks() -> None:
    answer = await Api().ask("GET", "/openapi.json", auth={})
    assert (answer.status, answer.json()) == (200, DOCUMENT)
    assert answer.json()["info"]["title"] == "runstreams"


def test_what_the_published_protocol_adds_to_a_refusal_is_said() -> None:
    said = DOCUMENT["components"]["schemas"]["Unauthorized"]["properties"]
    assert {name: said[name]["const"] for name in trigger.UNAUTHORIZED_FACTS} == (
        trigger.UNAUTHORIZED_FACTS
    )


def _all() -> list[Any]:
    return [DOCUMENT["paths"][path][method.lower()] for method, path in OPERATIONS]


def _text(path: Path) -> str:
    return path.read_text()


def _filled(path: str) -> str:
    names = {
        "run": "run_1",
        "key": "out",
        "target": "self",
        "file": "icon.svg",
        "name": "run_1/out",
    }
    return path.format(**names)
