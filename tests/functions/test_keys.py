"""The secret key in Secrets Manager: read seldom, rotated without an outage, and never without
saying why it cannot be read.
"""

import time
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from botocore.exceptions import EndpointConnectionError
from moto import mock_aws

from runstreams.aws_lambda.keys import RotatingKeys
from runstreams.core.access import SECRET_KEY
from runstreams.core.errors import Busy, Unauthenticated
from runstreams.core.limits import DAY_MS
from runstreams.core.settings import PREVIOUS_DAYS
from runstreams.http.rotation import FRESH_MS
from runstreams.stores.aws.store import session
from tests.functions.handlers import ENVIRONMENT
from tests.signing import issue_token

FIRST, SECOND, THIRD = (f"the-{number}-of-the-secret-keys" for number in ("1st", "2nd", "3rd"))


class Secret:
    """A secret in an emulated Secrets Manager, and what is asked of it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.client: Any = boto3.client("secretsmanager")
        self.name = self.client.create_secret(Name="key", SecretString=FIRST)["ARN"]
        self.requests = 0
        self.reachable = True
        call = BaseClient._make_api_call

        def counted(client: BaseClient, operation: str, arguments: dict[str, Any]) -> Any:
            if operation == "GetSecretValue":
                self.requests += 1
                if not self.reachable:
                    raise EndpointConnectionError(endpoint_url="https://secretsmanager")
            return call(client, operation, arguments)

        monkeypatch.setattr(BaseClient, "_make_api_call", counted)

    def rotate(self, key: str) -> None:
        """Give it a new value, as `docs/operations.md` says."""
        self.client.put_secret_value(SecretId=self.name, SecretString=key)


@pytest.fixture
def secret(monkeypatch: pytest.MonkeyPatch) -> Iterator[Secret]:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        yield Secret(monkeypatch)


@pytest.fixture
def keys(secret: Secret) -> RotatingKeys:
    return RotatingKeys(session(), secret.name)


@pytest.fixture
def now() -> int:
    return int(time.time() * 1000)


def bearer(credential: str) -> bytes:
    return f"Bearer {credential}".encode()


def test_the_value_of_the_secret_is_the_key(keys: RotatingKeys, now: int) -> None:
    assert keys.grant(bearer(FIRST), now) == SECRET_KEY
    with pytest.raises(Unauthenticated):
        keys.grant(bearer(SECOND), now)


def test_a_process_asks_for_the_key_once_and_not_before_it_is_needed(
    secret: Secret, keys: RotatingKeys, now: int
) -> None:
    """For its two versions."""
    assert secret.requests == 0
    for _ in range(100):
        keys.grant(bearer(FIRST), now)
    assert secret.requests == 2


def test_a_new_key_is_accepted_at_once_and_the_one_before_it_too(
    secret: Secret, keys: RotatingKeys, now: int
) -> None:
    keys.grant(bearer(FIRST), now)
    secret.rotate(SECOND)
    assert keys.grant(bearer(SECOND), now + FRESH_MS) == SECRET_KEY
    assert keys.grant(bearer(FIRST), now + FRESH_MS) == SECRET_KEY


def test_a_token_of_the_previous_key_is_good_for_as_long_as_a_token_can_live(
    secret: Secret, keys: RotatingKeys, now: int
) -> None:
    token = issue_token(FIRST, ["read:runs:run_1"], now / 1000, expires_in=2 * 366 * 86_400)
    secret.rotate(SECOND)
    last = now + PREVIOUS_DAYS * DAY_MS
    assert keys.grant(bearer(token), last - DAY_MS).allows("read", ("runs", "run_1"))
    for credential in (token, FIRST):
        with pytest.raises(Unauthenticated):
            keys.grant(bearer(credential), last + DAY_MS)


def test_a_key_that_was_rotated_twice_is_refused(
    secret: Secret, keys: RotatingKeys, now: int
) -> None:
    secret.rotate(SECOND)
    secret.rotate(THIRD)
    assert keys.grant(bearer(THIRD), now) == keys.grant(bearer(SECOND), now) == SECRET_KEY
    with pytest.raises(Unauthenticated):
        keys.grant(bearer(FIRST), now)


def test_unknown_keys_do_not_make_it_ask_each_time(
    secret: Secret, keys: RotatingKeys, now: int
) -> None:
    for moment in (now, now + 1, now + FRESH_MS, now + FRESH_MS + 1):
        with pytest.raises(Unauthenticated):
            keys.grant(bearer("guessed"), moment)
    assert secret.requests == 4


@pytest.mark.parametrize(
    "shown",
    [
        None,
        b"Basic dXNlcjpwYXNz",
        bearer(issue_token(FIRST, ["admin"], 0)),
        bearer(issue_token(FIRST, ["admin"], 0, exp=2**41, nbf=2**40)),
        bearer(issue_token(FIRST, ["admin"], 0, pub=False)),
    ],
    ids=["no key", "another scheme", "over", "not yet good", "not public"],
)
def test_what_no_newer_key_would_make_good_does_not_make_it_ask(
    secret: Secret, keys: RotatingKeys, now: int, shown: bytes | None
) -> None:
    keys.grant(bearer(FIRST), now)
    with pytest.raises(Unauthenticated):
        keys.grant(shown, now + FRESH_MS)
    assert secret.requests == 2


def test_a_token_that_is_signed_with_a_new_key_makes_it_ask(
    secret: Secret, keys: RotatingKeys, now: int
) -> None:
    keys.grant(bearer(FIRST), now)
    secret.rotate(SECOND)
    token = issue_token(SECOND, ["read:runs:run_1"], now / 1000)
    assert keys.grant(bearer(token), now + FRESH_MS).allows("read", ("runs", "run_1"))
    assert secret.requests == 4


def test_a_known_key_stays_good_when_it_cannot_be_read_again(
    secret: Secret, keys: RotatingKeys, now: int
) -> None:
    keys.grant(bearer(FIRST), now)
    secret.reachable = False
    with pytest.raises(Unauthenticated):
        keys.grant(bearer(SECOND), now + FRESH_MS)
    assert keys.grant(bearer(FIRST), now + FRESH_MS) == SECRET_KEY


def test_a_key_that_cannot_be_read_is_no_refusal_and_the_log_says_why(
    secret: Secret, keys: RotatingKeys, now: int, caplog: pytest.LogCaptureFixture
) -> None:
    """401 would end a published client for good; it comes back after 503."""
    secret.reachable = False
    with pytest.raises(Busy) as busy:
        keys.grant(bearer(FIRST), now)
    assert busy.value.retry_after
    assert "cannot be read from arn:aws:secretsmanager" in caplog.text
    secret.reachable = True
    assert keys.grant(bearer(FIRST), now) == SECRET_KEY


def test_no_key_is_in_the_log(
    secret: Secret, keys: RotatingKeys, now: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "runstreams")
    secret.rotate(SECOND)
    keys.grant(bearer(SECOND), now)
    with pytest.raises(Unauthenticated):
        keys.grant(bearer(THIRD), now)
    assert not any(key in caplog.text for key in (FIRST, SECOND, THIRD))
