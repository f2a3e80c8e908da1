"""The dashboard's page and its files, as the API serves them."""

from importlib import resources

import pytest

from runstreams.http.routes.dashboard import KINDS
from tests.http.asgi import Api, in_virtual_time

FOLDER = resources.files("runstreams") / "dashboard"
FILES = sorted(each.name for each in FOLDER.iterdir())

PAGE = "/dashboard"


def path_of(name: str) -> str:
    return PAGE if name == "index.html" else f"{PAGE}/{name}"


def test_what_is_served_is_what_the_package_holds() -> None:
    assert sorted(KINDS) == FILES


@pytest.mark.parametrize("name", FILES)
@in_virtual_time
async def test_a_file_is_sent_to_whoever_asks_and_says_what_it_is(name: str) -> None:
    answer = await Api().ask("GET", path_of(name), auth={})
    assert (answer.status, answer.body) == (200, (FOLDER / name).read_bytes())
    assert answer.headers["content-type"] == KINDS[name]
    assert answer.headers["content-length"] == str(len(answer.body))
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("name", FILES)
@in_virtual_time
async def test_head_tells_the_same_without_the_file(name: str) -> None:
    api = Api()
    told = [await api.ask(method, path_of(name)) for method in ("GET", "HEAD")]
    for answer in told:
        del answer.headers["x-request-id"]
    assert told[0].headers == told[1].headers
    assert (told[1].status, told[1].body) == (200, b"")


@pytest.mark.parametrize("name", FILES)
@in_virtual_time
async def test_what_a_browser_has_is_not_sent_again(name: str) -> None:
    api, path = Api(), path_of(name)
    first = await api.ask("GET", path)
    assert first.headers["cache-control"] == "no-cache"
    tag = first.headers["etag"]
    for known in (tag, f'"another", W/{tag}'):
        again = await api.ask("GET", path, headers={"if-none-match": known})
        assert (again.status, again.body, again.headers["etag"]) == (304, b"", tag)
        assert "content-type" not in again.headers
    assert (await api.ask("GET", path, headers={"if-none-match": '"another"'})).status == 200


@in_virtual_time
async def test_the_page_may_speak_to_nobody_but_where_it_comes_from() -> None:
    answer = await Api().ask("GET", PAGE)
    policy = dict(
        part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; ")
    )
    assert policy.pop("default-src") == "'none'"
    fetched = {name: value for name, value in policy.items() if name.endswith("-src")}
    assert set(fetched.values()) == {"'self'"}
    assert {policy[name] for name in ("base-uri", "form-action", "frame-ancestors")} == {"'none'"}
    assert policy["require-trusted-types-for"] == "'script'"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"


@in_virtual_time
async def test_beside_the_page_one_is_led_to_it_wherever_it_is() -> None:
    answer = await Api().ask("GET", PAGE + "/")
    assert (answer.status, answer.headers["location"]) == (308, "../dashboard")


@pytest.mark.parametrize(
    "path",
    [
        "index.html",
        "nothing.js",
        "..",
        "dashboard.js/",
        "%2e%2e",
        "..%5cpy.typed",
        "__pycache__",
        "%00",
    ],
)
@in_virtual_time
async def test_nothing_else_is_served(path: str) -> None:
    answer = await Api().ask("GET", f"{PAGE}/{path}")
    assert (answer.status, answer.error["code"]) == (404, "not_found")


@in_virtual_time
async def test_a_page_is_not_written_to() -> None:
    answer = await Api().ask("POST", PAGE, "{}")
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")
