"""The keys of a server beside a deployment: those of the deployment's secret, rotated while it
runs, and looked up beside the requests.
"""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest

from runstreams.core.access import SECRET_KEY
from runstreams.core.errors import Busy, Unauthenticated
from runstreams.core.limits import DAY_MS
from runstreams.http.rotation import FRESH_MS
from runstreams.serve.errors import CannotRun
from runstreams.serve.keys import DeployedKeys
from runstreams.stores.aws.secret import Versions
from tests.emulators.place import SETTINGS, Place
from tests.signing import issue_token

from .process import START_SECONDS, ServerProcess, run_to_end

FIRST, SECOND = "the-1st-of-the-secret-keys", "the-2nd-of-the-secret-keys"
PATH = "/realtime/v1/streams/run_1/words?wait=0"


def bearer(credential: str) -> bytes:
    return f"Bearer {credential}".encode()


class Rotated:
    """A secret that is read by `read`, and answers when it is let; and the time."""

    def __init__(self) -> None:
        self.now = 10**12
        self.versions = Versions(FIRST, None, self.now)
        self.reads = 0
        self.answers = threading.Event()
        self.answers.set()

    def keys(self) -> DeployedKeys:
        """Return its keys, as a server has them that looked a while ago."""
        keys = DeployedKeys(self.read, previous_days=30, clock=lambda: self.now)
        self.now += FRESH_MS
        return keys

    def rotate(self, key: str) -> None:
        self.versions = Versions(key, self.versions.current, self.now)

    def read(self) -> Versions:
        self.answers.wait()
        self.reads += 1
        return self.versions


@contextmanager
def fresh(keys: DeployedKeys) -> Iterator[None]:
    task = asyncio.create_task(keys.keep_fresh())
    yield
    task.cancel()


async def until_known(keys: DeployedKeys, key: str, at: int) -> None:
    """Return when *key* is no longer answered with "come back"."""
    while True:
        try:
            keys.grant(bearer(key), at)
            return
        except Busy:
            await asyncio.sleep(0.01)


async def test_a_new_key_is_looked_up_beside_the_requests_and_then_both_are_good() -> None:
    secret = Rotated()
    keys = secret.keys()
    secret.rotate(SECOND)
    secret.answers.clear()
    with fresh(keys):
        with pytest.raises(Busy) as busy:
            keys.grant(bearer(SECOND), secret.now)
        assert busy.value.retry_after
        assert keys.grant(bearer(FIRST), secret.now) == SECRET_KEY  # nobody else waits
        secret.answers.set()
        await until_known(keys, SECOND, secret.now)
    assert keys.grant(bearer(FIRST), secret.now) == SECRET_KEY
    token = issue_token(SECOND, ["read:runs"], secret.now / 1000)
    assert keys.grant(bearer(token), secret.now).allows("read", ("runs", None))


async def test_whoever_guesses_is_refused_and_does_not_make_it_look_each_time() -> None:
    secret = Rotated()
    keys = secret.keys()
    with fresh(keys):
        for _ in range(100):
            with pytest.raises(Unauthenticated):
                await until_known(keys, "guessed", secret.now)
    assert secret.reads == 2


@pytest.mark.parametrize(
    "shown",
    [
        None,
        bearer(issue_token(FIRST, ["admin"], 0)),
        bearer(issue_token(FIRST, ["admin"], 0, exp=2**41, nbf=2**40)),
    ],
    ids=["no key", "over", "not yet good"],
)
async def test_what_no_newer_key_would_make_good_is_refused_at_once(shown: bytes | None) -> None:
    secret = Rotated()
    with pytest.raises(Unauthenticated):
        secret.keys().grant(shown, secret.now)


async def test_keys_that_cannot_be_read_again_stay_good(caplog: pytest.LogCaptureFixture) -> None:
    secret = Rotated()
    keys = secret.keys()
    del secret.versions
    with fresh(keys), pytest.raises(Unauthenticated):
        await until_known(keys, SECOND, secret.now)
    assert keys.grant(bearer(FIRST), secret.now) == SECRET_KEY
    assert "cannot be read again" in caplog.text


async def test_a_key_that_was_replaced_long_ago_is_refused() -> None:
    secret = Rotated()
    secret.versions = Versions(SECOND, FIRST, secret.now - 31 * DAY_MS)
    keys = secret.keys()
    assert keys.grant(bearer(SECOND), secret.now) == SECRET_KEY
    with fresh(keys), pytest.raises(Unauthenticated):
        await until_known(keys, FIRST, secret.now)


@pytest.fixture
def secrets(quick_aws_place: Place) -> Any:
    settings = {key.lower(): value for key, value in SETTINGS.items() if "REGION" not in key}
    return boto3.client(
        "secretsmanager",
        endpoint_url=quick_aws_place.endpoint,
        region_name=SETTINGS["AWS_DEFAULT_REGION"],
        **settings,
    )


def environment(place: Place, secrets: Any) -> dict[str, str]:
    arn = secrets.create_secret(Name=place.bucket, SecretString=FIRST)["ARN"]
    return {**place.environment(), "RUNSTREAMS_SECRET_ARN": arn}


def test_a_server_has_the_key_of_a_secret_and_needs_no_folder(
    quick_aws_place: Place, secrets: Any, tmp_path: Path
) -> None:
    environ = environment(quick_aws_place, secrets)
    with ServerProcess(tmp_path / "d", "--aws", environ=environ, secret=FIRST) as server:
        assert server.http.get(PATH).status_code == 200
        assert "RUNSTREAMS_SECRET_ARN" in server.said_until("secret key")
        assert httpx.get(server.url + PATH).status_code == 401
    assert not (tmp_path / "d").exists()


@pytest.mark.soak
def test_a_server_takes_a_key_that_is_rotated_while_it_runs(
    quick_aws_place: Place, secrets: Any, tmp_path: Path
) -> None:
    environ = environment(quick_aws_place, secrets)
    with ServerProcess(tmp_path / "d", "--aws", environ=environ, secret=FIRST) as server:
        secrets.put_secret_value(SecretId=environ["RUNSTREAMS_SECRET_ARN"], SecretString=SECOND)
        deadline = time.monotonic() + START_SECONDS
        fields = {"Authorization": f"Bearer {SECOND}"}
        while httpx.get(server.url + PATH, headers=fields).status_code != 200:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        assert server.http.get(PATH).status_code == 200


def test_a_server_whose_secret_is_not_there_says_so_and_does_not_start(
    quick_aws_place: Place,
) -> None:
    environ = {**quick_aws_place.environment(), "RUNSTREAMS_SECRET_ARN": "nothing"}
    done = run_to_end("serve", "--aws", "--port", "0", environ=environ)
    assert done.returncode == 1
    assert "cannot read the secret key from nothing" in done.stderr


def test_a_setting_of_keys_that_makes_no_sense_is_named() -> None:
    environ = {"RUNSTREAMS_SECRET_ARN": "arn", "RUNSTREAMS_PREVIOUS_KEY_DAYS": "nan"}
    with pytest.raises(CannotRun, match=r"^RUNSTREAMS_PREVIOUS_KEY_DAYS: nan is not between"):
        DeployedKeys.of(environ)


def test_a_secret_without_a_value_is_refused() -> None:
    with pytest.raises(ValueError, match="empty"):
        DeployedKeys(lambda: Versions("", None, 0), previous_days=30)
