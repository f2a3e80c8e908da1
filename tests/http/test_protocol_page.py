"""The page that says what the server does names everything that the server does."""

import re
from pathlib import Path

import pytest
from starlette.routing import Router

from runstreams.core import limits
from runstreams.http import errors, trigger
from runstreams.http.call import Endpoint
from runstreams.http.routes import appending, dashboard, durable, front, managing, reading
from runstreams.http.routes.closing import VERBS
from runstreams.serve import protocol
from tests.http.asgi import METRICS
from tests.http.served_errors import served

PAGE = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text()
HEADINGS = [line.lstrip("# ") for line in PAGE.splitlines() if line.startswith("#")]

ABSTRACT = {"error", "limit_exceeded", "refused", "too_many", "denied", "store_error"}
"""Codes of classes that only gather others and are never raised themselves."""


def routes() -> list[str]:
    return _of(appending.router, reading.router, managing.router, front.router, dashboard.router)


def elsewhere() -> list[str]:
    """Those that have pages of their own."""
    return [route.replace(":path", "") for route in _of(durable.router, METRICS)]


def _of(*routers: Router) -> list[str]:
    found = []
    for router in routers:
        for route in router.routes:
            endpoint = route.endpoint  # type: ignore[attr-defined]
            methods = endpoint.handlers if isinstance(endpoint, Endpoint) else route.methods  # type: ignore[attr-defined]
            found += [f"{method} {route.path}" for method in methods]  # type: ignore[attr-defined]
    return found


def codes() -> set[str]:
    return {kind.code for kind in served()}


@pytest.mark.parametrize("route", routes())
def test_every_route_is_described(route: str) -> None:
    assert f"`{route}`" in PAGE


def test_only_routes_that_exist_are_described() -> None:
    described = set(re.findall(r"`((?:GET|PUT|POST|HEAD|DELETE) /[^`]*)`", PAGE))
    short = {f"POST /realtime/v1/streams/{{run}}/{{key}}/{verb}" for verb in VERBS}
    assert described - short == set(routes())


@pytest.mark.parametrize("code", sorted(codes() - ABSTRACT))
def test_every_error_code_has_a_heading_and_its_status(code: str) -> None:
    at = HEADINGS.index(f"`{code}`")
    assert at > HEADINGS.index("Errors")
    status = PAGE.split(f"### `{code}`\n\n")[1][:3]
    kinds = [kind for kind in served() if kind.code == code]
    assert {str(errors.status_of(kind)) for kind in kinds} == {status}


def test_no_error_code_is_made_up() -> None:
    listed = HEADINGS[HEADINGS.index("Errors") + 1 :]
    assert {heading.strip("`") for heading in listed} == codes() - ABSTRACT


@pytest.mark.parametrize(
    "words",
    [
        f"seconds to wait for the first chunk, 0 or more | {limits.WAIT_SECONDS} "
        f"| {limits.WAIT_SECONDS_MAX};",
        f"chunks in the page, 1 or more | {limits.PAGE_CHUNKS_DEFAULT} | {limits.PAGE_CHUNKS};",
        f"A page ends before\n{limits.PAGE_BYTES:,} bytes",
        f"1 to {limits.SILENCE_SECONDS_MAX}; {limits.SILENCE_SECONDS} unless given",
        f"A `ping` comes after {limits.PING_SECONDS} seconds",
        f"up to {limits.EVENT_CHUNKS:,} chunks\nand {limits.EVENT_BYTES // limits.KIB} KiB",
        f"A run id has up to {limits.RUN_ID_BYTES} bytes in UTF-8, a key up to "
        f"{limits.KEY_BYTES}, a client id up to {limits.CLIENT_ID_BYTES}.",
        f"A chunk has up to {limits.CHUNK_BYTES // limits.MIB} MiB",
        f"up to {limits.BATCH_BYTES // limits.MIB} MiB or\n{limits.BATCH_CHUNKS:,} chunks",
        f"has up to {limits.LAMBDA_BODY_BYTES // limits.MIB} MiB, and is one\n"
        f"batch (up to {limits.BODY_CHUNKS:,} chunks)",
        f"up to {trigger.APPEND_BODY_BYTES // limits.KIB} KiB of any UTF-8 text",
        f"a text of up to {limits.CLOSE_ERROR_BYTES // limits.KIB} KiB",
        f"`limit` is 1 to {limits.LIST_MAX}, {limits.LIST_DEFAULT} unless given",
        f"deeper than {limits.NESTING} are refused",
        f"within so many seconds, 1 to {limits.LEASE_SECONDS_MAX}; 0 takes it back",
        f"One whose lease ended {limits.LEASE_GRACE_MS // 1000} seconds ago or more",
        f"The body is a JSON object of up to {limits.FOLLOW_BODY_BYTES // limits.MIB} MiB",
        f"Up to {limits.FOLLOWED_NAMES:,} keys, of which {limits.FOLLOWED_STREAMS} may be wanted",
        f"Of `all` streams {limits.FOLLOWED_STREAMS} are read at a time",
        f"A page then\nlooks at {limits.LIST_SCANNED:,} runs",
        f"how many clients have written, at most {limits.WRITERS_COUNTED}, which",
        f"takes {protocol.HEAD_BYTES // limits.KIB} KiB of request line and headers, and up to "
        f"{protocol.AHEAD} requests",
    ],
)
def test_every_limit_is_named_with_its_value(words: str) -> None:
    assert words in PAGE
