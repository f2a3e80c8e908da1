"""What is repeated, what is not, and what the core is told."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    HTTPClientError,
    NoCredentialsError,
    ReadTimeoutError,
)
from hypothesis import given
from hypothesis import strategies as st
from urllib3.exceptions import ClosedPoolError

from runstreams.core.errors import Busy, StoreError, Uncertain
from runstreams.stores.aws.calls import ATTEMPTS, LAST_PAUSE, Calls, Fate, fate, pause

URL = "http://127.0.0.1:1"
LOST = ReadTimeoutError(endpoint_url=URL)


def answer(code: str, status: int = 400, **more: Any) -> ClientError:
    metadata = {"HTTPStatusCode": status}
    found: Any = {"Error": {"Code": code}, "ResponseMetadata": metadata, **more}
    return ClientError(found, "UpdateItem")


def cancelled(*reasons: str) -> ClientError:
    found = [{"Code": reason} for reason in reasons]
    return answer("TransactionCanceledException", CancellationReasons=found)


THROTTLED = answer("ThrottlingException")

FATES = [
    (answer("ProvisionedThroughputExceededException"), Fate.REFUSED),
    (THROTTLED, Fate.REFUSED),
    (answer("RequestLimitExceeded"), Fate.REFUSED),
    (answer("TransactionConflictException"), Fate.REFUSED),
    (answer("TransactionInProgressException"), Fate.REFUSED),
    (answer("SlowDown", 503), Fate.REFUSED),
    (cancelled("None", "TransactionConflict"), Fate.REFUSED),
    (EndpointConnectionError(endpoint_url=URL), Fate.REFUSED),
    (HTTPClientError(error=ClosedPoolError(None, "closed")), Fate.REFUSED),
    (HTTPClientError(error=OSError()), Fate.LOST),
    (LOST, Fate.LOST),
    (ConnectionClosedError(endpoint_url=URL), Fate.LOST),
    (answer("InternalServerError", 500), Fate.LOST),
    (answer("ServiceUnavailable", 503), Fate.LOST),
    (answer("ConditionalCheckFailedException"), Fate.ANSWERED),
    (cancelled("ConditionalCheckFailed", "TransactionConflict"), Fate.ANSWERED),
    (answer("NoSuchKey", 404), Fate.ANSWERED),
    (answer("ValidationException"), Fate.ANSWERED),
    (answer("ConditionalRequestConflict", 409), Fate.REFUSED),
    (answer("AccessDeniedException"), Fate.UNUSABLE),
    (answer("NoSuchBucket", 404), Fate.UNUSABLE),
    (answer("ExpiredTokenException"), Fate.UNUSABLE),
    (NoCredentialsError(), Fate.UNUSABLE),
    (answer("RequestTimeout"), Fate.LOST),
    (answer("BadDigest"), Fate.REFUSED),
    (answer("XAmzContentSHA256Mismatch"), Fate.REFUSED),
    (answer("IncompleteBody"), Fate.REFUSED),
    (answer("ThrottledException"), Fate.REFUSED),
    (answer("RequestThrottled"), Fate.REFUSED),
    (answer("ReplicatedWriteConflictException", 409), Fate.REFUSED),
    (answer("SomethingNew", 429), Fate.REFUSED),
    (answer("RequestTimeTooSkewed", 403), Fate.UNUSABLE),
    (answer("XAmzContentChecksumMismatch"), Fate.REFUSED),
    (answer("TemporaryRedirect", 307), Fate.REFUSED),
    (answer("PermanentRedirect", 301), Fate.UNUSABLE),
    (answer("AuthorizationHeaderMalformed"), Fate.UNUSABLE),
    (answer("InvalidBucketName"), Fate.UNUSABLE),
    (answer("408", 408), Fate.LOST),
    (answer("InvalidSignatureException"), Fate.UNUSABLE),
    (answer("AllAccessDisabled", 403), Fate.UNUSABLE),
    (answer("KMS.DisabledException"), Fate.UNUSABLE),
    (answer("KMS.NotFoundException"), Fate.UNUSABLE),
    (answer("KMS.KMSInvalidStateException"), Fate.UNUSABLE),
    (answer("KMS.ThrottlingException"), Fate.REFUSED),
    (answer("KMSThrottlingException"), Fate.REFUSED),
]


class Script:
    """A call that fails as scripted, and counts how often it was made."""

    def __init__(self, *errors: Exception) -> None:
        self._errors = list(errors)
        self.made = 0

    def __call__(self) -> str:
        self.made += 1
        if self._errors:
            raise self._errors.pop(0)
        return "done"


@pytest.fixture
async def calls() -> AsyncIterator[Calls]:
    """Calls that pause for no time."""
    calls = Calls(1, chance=lambda: 0.0)
    yield calls
    await calls.aclose()


@pytest.mark.parametrize(("error", "expected"), FATES, ids=lambda each: str(each)[:60])
def test_how_a_call_failed_says_what_became_of_it(error: Exception, expected: Fate) -> None:
    assert expected is fate(error)


@given(st.integers(1, 100), st.floats(0, 1))
def test_no_pause_is_longer_than_the_longest(attempt: int, chance: float) -> None:
    assert 0 <= pause(attempt, chance) <= LAST_PAUSE


async def test_a_throttled_call_is_made_again(calls: Calls) -> None:
    script = Script(THROTTLED, THROTTLED)
    assert await calls.run(script, repeat=False, lost=Uncertain) == "done"
    assert script.made == 3


async def test_a_call_that_is_throttled_for_ever_is_busy(calls: Calls) -> None:
    script = Script(*[THROTTLED] * 99)
    with pytest.raises(Busy):
        await calls.run(script, repeat=False, lost=Uncertain)
    assert script.made == ATTEMPTS


async def test_a_lost_answer_is_not_asked_for_again_where_that_may_do_it_twice(
    calls: Calls,
) -> None:
    script = Script(LOST)
    with pytest.raises(Uncertain):
        await calls.run(script, repeat=False, lost=Uncertain)
    assert script.made == 1


async def test_a_lost_answer_is_asked_for_again_where_that_is_safe(calls: Calls) -> None:
    script = Script(LOST, LOST)
    assert await calls.run(script) == "done"
    assert script.made == 3


@pytest.mark.parametrize(("lost", "expected"), [(Busy, Busy), (Uncertain, Uncertain)])
async def test_one_lost_answer_among_throttles_leaves_it_unsure(
    calls: Calls, lost: type[StoreError], expected: type[StoreError]
) -> None:
    script = Script(LOST, *[THROTTLED] * 99)
    with pytest.raises(expected) as caught:
        await calls.run(script, lost=lost)
    assert expected is caught.type


async def test_an_answer_is_passed_on_as_it_is(calls: Calls) -> None:
    script = Script(answer("ValidationException"))
    with pytest.raises(ClientError, match="Validation"):
        await calls.run(script)
    assert script.made == 1


async def test_what_somebody_must_mend_is_not_asked_for_again(calls: Calls) -> None:
    script = Script(answer("AccessDeniedException"))
    with pytest.raises(Busy):
        await calls.run(script, repeat=False, lost=Uncertain)
    assert script.made == 1


async def test_a_lost_answer_stays_unsure_when_the_next_one_is_a_refusal(calls: Calls) -> None:
    script = Script(LOST, answer("ExpiredTokenException"))
    with pytest.raises(Uncertain):
        await calls.run(script, lost=Uncertain)
