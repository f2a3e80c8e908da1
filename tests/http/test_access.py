"""Who may do what: secret keys, public tokens, scopes."""

import base64
import hmac
import json
import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runstreams.core.access import SECRET_KEY, grant, of_run, of_stream
from runstreams.core.errors import Unauthenticated
from runstreams.core.model import StreamId
from runstreams.http import Keys
from runstreams.http.tokens import claims
from tests import virtual_time
from tests.http.asgi import READ, RUN, SECRET, STREAM, Api, in_virtual_time, token
from tests.signing import AUDIENCE, ISSUER, issue_token

NOW = virtual_time.START_MS
OUT = StreamId("run_1", "out")

INVALID = "Public Access Token is invalid"


def bearer(credential: str) -> bytes:
    return f"Bearer {credential}".encode()


def signed(key: str = SECRET, **changes: Any) -> str:
    """Return a token like those of the published SDKs, with *changes*."""
    scopes = changes.pop("scopes", ["read:runs:run_1"])
    return issue_token(key, scopes, NOW / 1000, **changes)


@pytest.mark.parametrize(
    ("scopes", "action", "allowed"),
    [
        (["read:runs:run_1"], "read", True),
        (["read:runs:run_2"], "read", False),
        (["read:runs:run_1"], "write", False),
        (["read:runs"], "read", True),
        (["read:all"], "read", True),
        (["read:all:x"], "read", True),
        (["admin"], "manage", True),
        (["admin:runs"], "read", False),
        (["*:runs:run_1"], "stop", True),
        (["*:all"], "manage", True),
        (["*"], "read", False),
        (["read"], "read", False),
        (["read:"], "read", False),
        (["read:runs:"], "read", False),
        (["read:runs: "], "read", False),
        ([":runs:run_1"], "read", False),
        (["read:streams:run_1/out"], "read", True),
        (["read:streams:run_1/other"], "read", False),
        (["read:tasks:t", "write:runs:run_1"], "write", True),
        (["read:tasks:t"], "read", False),
        (["READ:runs:run_1"], "read", False),
        ([], "read", False),
    ],
)
def test_a_scope_is_an_action_a_type_and_an_id(
    scopes: list[str], action: str, allowed: bool
) -> None:
    assert grant(scopes).allows(action, *of_stream(OUT)) is allowed


def test_an_id_may_contain_colons() -> None:
    assert grant(["read:runs:a:b"]).allows("read", *of_run("a:b"))


def test_what_is_asked_of_all_needs_a_scope_without_id() -> None:
    assert grant(["read:runs"]).allows("read", ("runs", None))
    assert not grant(["read:runs:run_1"]).allows("read", ("runs", None))


@given(st.lists(st.text()), st.text())
def test_scopes_of_any_text_are_taken_and_grant_nothing_unforeseen(
    scopes: list[str], action: str
) -> None:
    granted = grant(scopes)
    if granted.allows(action, *of_stream(OUT)) and "admin" not in scopes:
        assert any(scope.partition(":")[0] in (action, "*") for scope in scopes)


def test_a_secret_key_may_do_everything() -> None:
    assert Keys([SECRET]).grant(bearer(SECRET), NOW) is SECRET_KEY
    assert SECRET_KEY.allows("manage", ("runs", None))


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Bearer  "])
def test_the_scheme_may_be_written_in_any_case(scheme: str) -> None:
    assert Keys([SECRET]).grant(f"{scheme} {SECRET}".encode(), NOW).everything


@pytest.mark.parametrize("secret", ["x", "a.b.c", "žluťoučký", "p" * 500, "-----BEGIN KEY-----"])
def test_any_secret_key_that_is_not_empty_works_for_itself_and_for_tokens(secret: str) -> None:
    keys = Keys([secret])
    assert keys.grant(bearer(secret), NOW).everything
    assert keys.grant(bearer(signed(secret)), NOW).allows("read", *of_stream(OUT))


@pytest.mark.parametrize("secret", [f" {SECRET}", f"{SECRET}\n", f"\t{SECRET} \r\n"])
def test_white_space_around_a_secret_key_does_not_count(secret: str) -> None:
    keys = Keys([secret])
    assert keys.grant(bearer(SECRET), NOW).everything
    assert keys.grant(bearer(signed(SECRET)), NOW).allows("read", *of_stream(OUT))


def test_a_blank_key_beside_another_is_no_key() -> None:
    keys = Keys([SECRET, " "])
    assert keys.grant(bearer(SECRET), NOW).everything
    for credential in ("", " ", signed(" "), signed("")):
        with pytest.raises(Unauthenticated):
            keys.grant(bearer(credential), NOW)


@pytest.mark.parametrize("secrets", [[], [""], [SECRET, ""], [" "], [" ", "\n"]])
def test_an_empty_secret_key_is_refused(secrets: list[str]) -> None:
    with pytest.raises(ValueError, match="empty"):
        Keys(secrets)


def test_a_short_secret_key_is_worth_one_line(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    keys = Keys(["short", SECRET])
    for _ in range(3):
        keys.grant(bearer(signed("short")), NOW)
    assert len(caplog.records) == 1
    assert "short" not in caplog.text.replace("shorter", "")


def test_while_a_key_is_replaced_both_are_accepted() -> None:
    keys = Keys(["the-new-secret-key", SECRET])
    for secret in ("the-new-secret-key", SECRET):
        assert keys.grant(bearer(secret), NOW).everything
        assert keys.grant(bearer(signed(secret)), NOW).allows("read", *of_run("run_1"))


def test_a_token_looks_like_the_published_ones() -> None:
    said = claims(signed().encode(), SECRET.encode())
    assert said == {
        "sub": "runstreams",
        "pub": True,
        "scopes": ["read:runs:run_1"],
        "iss": ISSUER,
        "aud": AUDIENCE,
        "iat": NOW // 1000,
        "exp": NOW // 1000 + 15 * 60,
    }


def _unsigned(header: dict[str, Any], payload: dict[str, Any]) -> str:
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
        for part in (header, payload)
    ]
    return ".".join([*parts, ""])


PAYLOAD = {"pub": True, "scopes": ["admin"], "exp": NOW / 1000 + 900}
BODY = _unsigned({"alg": "HS256"}, PAYLOAD).split(".")[1]


@pytest.mark.parametrize(
    ("credential", "message"),
    [
        ("", "Invalid or Missing API key"),
        ("tr_dev_other", "Invalid API key"),
        (SECRET + "x", "Invalid API key"),
        (SECRET[:-1], "Invalid API key"),
        ("a.b.c", INVALID),
        ("..", INVALID),
        (signed("another-secret-key"), INVALID),
        (signed()[:-2], INVALID),
        (signed() + "AA", INVALID),
        (_unsigned({"alg": "none"}, PAYLOAD), INVALID),
        (_unsigned({"alg": "HS256"}, PAYLOAD), INVALID),
        (_unsigned({"alg": "None", "typ": "JWT"}, PAYLOAD) + "AAAA", INVALID),
        (_unsigned({"alg": "HS512"}, PAYLOAD) + "AAAA", INVALID),
        (_unsigned({"alg": ["HS256"]}, PAYLOAD) + "AAAA", INVALID),
        (signed().split(".")[0] + "." + BODY + "." + signed().split(".")[2], INVALID),
        (signed(expires_in=0), "Public Access Token has expired"),
        (signed(expires_in=-1), "Public Access Token has expired"),
        (signed(nbf=NOW / 1000 + 60), INVALID),
        (signed(pub=False), "Invalid Public Access Token"),
        (signed(pub="true"), "Invalid Public Access Token"),
        (signed(exp=None), "Invalid Public Access Token"),
        (signed(exp="tomorrow"), "Invalid Public Access Token"),
        (signed(exp=float("inf")), "Invalid Public Access Token"),
        (signed(exp=10**400), "Invalid Public Access Token"),
        (signed(exp=True), "Invalid Public Access Token"),
        (signed(scopes=None), "Invalid Public Access Token"),
        (signed(scopes="admin"), "Invalid Public Access Token"),
        (signed(scopes={"admin": 1}), "Invalid Public Access Token"),
    ],
)
def test_no_other_credential_is_accepted(credential: str, message: str) -> None:
    with pytest.raises(Unauthenticated) as error:
        Keys([SECRET]).grant(bearer(credential), NOW)
    assert error.value.message == message


@pytest.mark.parametrize("header", [None, b"", b"Bearer", b"Basic dHJfZGV2Og==", b"\xff", b"a b c"])
def test_a_header_that_is_no_bearer_is_refused(header: bytes | None) -> None:
    with pytest.raises(Unauthenticated, match="Invalid or Missing API key"):
        Keys([SECRET]).grant(header, NOW)


@pytest.mark.parametrize("changes", [{"iss": "us"}, {"aud": ["x"]}, {"iat": NOW / 1000 + 60}])
def test_issuer_audience_and_time_of_issue_are_not_asked_for(changes: dict[str, Any]) -> None:
    assert Keys([SECRET]).grant(bearer(signed(**changes)), NOW).allows("read", *of_run("run_1"))


def test_a_token_that_was_accepted_expires_all_the_same() -> None:
    keys, credential = Keys([SECRET]), bearer(signed(expires_in=60))
    assert keys.grant(credential, NOW + 59_999)
    with pytest.raises(Unauthenticated, match="expired"):
        keys.grant(credential, NOW + 60_000)


def test_a_scope_that_is_no_text_grants_nothing() -> None:
    granted = Keys([SECRET]).grant(bearer(signed(scopes=[1, None, ["admin"], "read:all"])), NOW)
    assert granted.allows("read", *of_stream(OUT))
    assert not granted.everything


@given(st.binary(max_size=300))
def test_any_bytes_after_bearer_are_refused_or_are_the_key(credential: bytes) -> None:
    keys = Keys([SECRET])
    try:
        keys.grant(b"Bearer " + credential, NOW)
    except Unauthenticated:
        return
    assert credential.strip() == SECRET.encode()


ROUTES = [
    ("PUT", STREAM, "write:runs:run_1"),
    ("POST", STREAM, "write:runs:run_1"),
    ("HEAD", STREAM, "write:streams:run_1/out"),
    ("POST", STREAM + "/append", "write:runs:run_1"),
    ("POST", READ + "/close", "write:runs:run_1"),
    ("POST", STREAM + "/close", "write:all"),
    ("POST", READ + "/stop", "stop:runs:run_1"),
    ("POST", STREAM + "/stop", "write:runs:run_1"),
    ("GET", READ + "?wait=0", "read:runs:run_1"),
    ("GET", "/api/v1/runs", "read:runs"),
    ("PUT", "/api/v1/runs/run_1", "manage:runs:run_1"),
    ("GET", "/api/v1/runs/run_1", "read:runs:run_1"),
    ("GET", "/api/v1/runs/run_1/streams", "read:runs:run_1"),
    ("GET", "/api/v1/runs/run_1/streams/out", "read:streams:run_1/out"),
    ("DELETE", "/api/v1/runs/run_1/streams/out", "manage:runs:run_1"),
    ("POST", "/api/v1/runs/run_1/complete", "manage:runs:run_1"),
    ("DELETE", "/api/v1/runs/run_1", "*:runs:run_1"),
]


@pytest.mark.parametrize(("method", "target", "scope"), ROUTES)
@in_virtual_time
async def test_a_route_takes_the_scope_it_needs_and_no_less(
    method: str, target: str, scope: str
) -> None:
    api = Api()
    await api.write("1")
    body = "" if method == "PUT" or target.endswith(("close", "stop", "complete")) else "1\n"
    action = scope.partition(":")[0]
    for less in ("read:runs:run_2", "write:runs:run_2", f"{action}:tasks:run_1", "x:all"):
        answer = await api.ask(method, target, body, auth=token(less))
        assert answer.status == 403
        assert answer.error == {
            "code": "unauthorized",
            "message": "Unauthorized",
            "param": "access_token",
            "type": "authorization",
        }
    none = await api.ask(method, target, body, auth={})
    assert (none.status, none.error["message"]) == (401, "Invalid or Missing API key")
    assert none.headers["www-authenticate"] == "Bearer"
    assert (await api.ask(method, target, body, auth=token(scope))).status < 300


@in_virtual_time
async def test_a_reader_may_not_write_and_a_writer_may_not_manage() -> None:
    api = Api()
    reading, writing = token("read:runs:run_1"), token("write:runs:run_1")
    for target in (STREAM, STREAM + "/append", READ + "/close", READ + "/stop"):
        assert (await api.ask("POST", target, "", auth=reading)).status == 403
    assert (await api.ask("DELETE", "/api/v1/runs/run_1", auth=writing)).status == 403
    assert (await api.ask("GET", READ, auth=writing)).status == 403


@in_virtual_time
async def test_a_token_for_a_child_does_not_reach_its_parent() -> None:
    api = Api()
    await api.ask("PUT", "/api/v1/runs/run_child", '{"parent":"run_1"}')
    path = "/realtime/v1/streams/run_child/parent/out"
    assert (await api.ask("POST", path, "1\n", auth=token("write:runs:run_child"))).status == 403
    assert (await api.ask("POST", path, "1\n", auth=token("write:runs:run_1"))).status == 200


@in_virtual_time
async def test_health_needs_no_key() -> None:
    assert (await Api().ask("GET", "/health", auth={})).status == 200


@in_virtual_time
async def test_questions_are_asked_in_the_published_order() -> None:
    """401, then 413, then 400, then 404, then 403."""
    api = Api()
    huge = {"content-length": "600000"}
    wrong = "/realtime/v1/streams/run_1/nobody/out/append"
    missing = "/realtime/v1/streams/run_1/parent/out/append"
    other = token("write:runs:other")
    assert (await api.ask("POST", wrong, headers=huge, auth={})).status == 401
    assert (await api.ask("POST", wrong, headers=huge, auth=other)).status == 413
    assert (await api.ask("POST", wrong, auth=other)).status == 400
    assert (await api.ask("POST", missing, auth=other)).status == 404
    assert (await api.ask("POST", f"{RUN}/self/out/append", auth=other)).status == 403
    assert (await api.ask("PUT", "/api/v1/runs/run_1", "{", auth={})).status == 401


def test_every_key_is_compared_whichever_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    """So the time tells nothing about how near a guess was."""
    keys, compared = Keys([SECRET, "another-secret-key"]), []
    compare = hmac.compare_digest
    monkeypatch.setattr(hmac, "compare_digest", lambda a, b: (compared.append(b), compare(a, b))[1])
    assert keys.grant(bearer(SECRET), NOW).everything
    assert compared == [SECRET.encode(), b"another-secret-key"]
