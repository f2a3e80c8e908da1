"""Calling AWS: blocking clients in threads, and again where that is safe.

Whether a call may be repeated is a pure function of how it failed, how long to pause another one;
the loop takes both.

Which codes are throttles, and which pass, botocore's own retries know, which it promises nobody:
https://github.com/boto/botocore/blob/develop/botocore/retries/standard.py. It tells of a pool that
was closed in `kwargs` of its errors:
https://github.com/boto/botocore/blob/develop/botocore/httpsession.py.
"""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from enum import Enum, auto
from itertools import count
from random import SystemRandom
from typing import TypeVar

from botocore import exceptions as boto
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError
from botocore.retries.standard import (
    RetryContext,
    ThrottledRetryableChecker,
    TransientRetryableChecker,
)
from urllib3.exceptions import ClosedPoolError

from ...core.errors import Busy, StoreError

T = TypeVar("T")

ATTEMPTS = 7
"""Calls before giving up: with the pauses below about one second of throttling is outlasted."""

PATIENCE_SECONDS = 5
"""No call is begun again later than this: a function's own time is short, and its caller's too."""

FIRST_PAUSE = 0.025
"""Longest first pause in seconds; each further one may be twice as long."""

LAST_PAUSE = 1.0
"""Longest pause of all."""

MEND_SECONDS = 30
"""When to come back to a bucket or a table that is not there: somebody has to mend it first."""

logger = logging.getLogger(__name__)

REFUSALS = frozenset(
    {
        "BadDigest",
        "ConditionalRequestConflict",
        "IncompleteBody",
        "OperationAborted",
        "ReplicatedWriteConflictException",
        "TemporaryRedirect",
        "TransactionConflictException",
        "XAmzContentChecksumMismatch",
        "XAmzContentSHA256Mismatch",
    }
)
"""Answers beside botocore's own throttles that say that nothing was done, and that it may be tried
again: somebody else was there, or the body was damaged on its way.
"""

TOO_MANY = 429
"""The status of a throttle, whatever its code."""

_TOO_SLOW = 408
"""The status of a question that did not come in time, whatever its code."""

UNUSABLE = frozenset(
    {
        "AccessDeniedException",
        "AuthorizationHeaderMalformed",
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignatureException",
        "InvalidBucketName",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "InvalidToken",
        "MissingAuthenticationTokenException",
        "NoSuchBucket",
        "PermanentRedirect",
        "RequestExpired",
        "ResourceNotFoundException",
        "TokenRefreshRequired",
        "UnrecognizedClientException",
    }
)
"""Answers that say that the bucket or the table is not there, in another region or not for us, or
that our clock is wrong. Nothing was done, and whoever runs the service can mend it.
"""

_FORBIDDEN = 403
"""What S3 says with all of its codes of that kind."""

KMS = "KMS"
"""How the codes begin that pass on what the keeper of the encryption's key has said."""

_NO_CREDENTIALS = (
    boto.CredentialRetrievalError,
    boto.MetadataRetrievalError,
    boto.NoCredentialsError,
    boto.PartialCredentialsError,
    boto.SSOError,
    boto.TokenRetrievalError,
)
"""There was nothing to sign the question with, so nobody was asked."""

_PASSING_REASONS = frozenset(
    {"None", "ProvisionedThroughputExceeded", "ThrottlingError", "TransactionConflict"}
)
"""Why a transaction may be cancelled though none of its conditions failed."""

_NEVER_SENT = (
    boto.ConnectTimeoutError,
    boto.EndpointConnectionError,
    boto.ProxyConnectionError,
)
"""No connection came about, so nobody was asked."""

BROKEN_OFF = (
    boto.ConnectionError,
    boto.FlexibleChecksumError,
    boto.HTTPClientError,
    boto.IncompleteReadError,
    ResponseParserError,
)
"""The question was sent, and no whole answer came back."""

_system = SystemRandom()
"""Not Python's own numbers: they would be the same in all functions that start from one snapshot,
and those that were throttled together would come back together.
"""


class Fate(Enum):
    """What became of a call that failed."""

    REFUSED = auto()
    """Nothing happened, and it passes."""
    LOST = auto()
    """The answer was lost: it may have happened."""
    ANSWERED = auto()
    """There is an answer, and it will be the same next time."""
    UNUSABLE = auto()
    """Nothing happened, and nothing will before somebody mends the deployment."""


def fate(error: Exception) -> Fate:
    """Tell what became of the call that *error* ended."""
    if isinstance(error, ClientError):
        return _answered(error)
    if isinstance(error, _NEVER_SENT) or _came_too_late(error):
        return Fate.REFUSED
    if isinstance(error, _NO_CREDENTIALS):
        return Fate.UNUSABLE
    return Fate.LOST if isinstance(error, BROKEN_OFF) else Fate.ANSWERED


def _came_too_late(error: Exception) -> bool:
    """Say whether the connections were closed before the question had taken one of them."""
    return isinstance(getattr(error, "kwargs", {}).get("error"), ClosedPoolError)


def code(error: ClientError) -> str:
    """Return the error code of an answer."""
    return error.response.get("Error", {}).get("Code", "")


def _answered(error: ClientError) -> Fate:
    said, status = code(error), error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if said == "TransactionCanceledException":
        reasons = {reason.get("Code") for reason in error.response.get("CancellationReasons", [])}
        return Fate.REFUSED if reasons <= _PASSING_REASONS else Fate.ANSWERED
    if said in REFUSALS or status == TOO_MANY or _is_throttle(said):
        return Fate.REFUSED
    if status >= 500 or status == _TOO_SLOW or _is_transient(said):
        return Fate.LOST
    unusable = said in UNUSABLE or said.startswith(KMS) or status == _FORBIDDEN
    return Fate.UNUSABLE if unusable else Fate.ANSWERED


_throttled, _transient = ThrottledRetryableChecker(), TransientRetryableChecker()


def _is_throttle(said: str) -> bool:
    """Say whether botocore knows the code for a throttle, of the service's or of its key's."""
    return bool(_throttled.is_retryable(_context(said.removeprefix(KMS).removeprefix("."))))


def _is_transient(said: str) -> bool:
    """Say whether botocore knows the code for one that passes."""
    return bool(_transient.is_retryable(_context(said)))


def _context(said: str) -> RetryContext:
    return RetryContext(attempt_number=1, parsed_response={"Error": {"Code": said}})


def pause(attempt: int, chance: float) -> float:
    """Return the seconds to pause after *attempt*; *chance*, from 0 to 1, keeps writers apart."""
    return min(FIRST_PAUSE * 2.0 ** (attempt - 1), LAST_PAUSE) * chance


class Calls:
    """Runs calls in threads, so that a waiting one holds up nothing else."""

    def __init__(self, threads: int, chance: Callable[[], float] = _system.random) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="aws")
        self._chance = chance

    async def run(
        self, work: Callable[[], T], *, repeat: bool = True, lost: type[StoreError] = Busy
    ) -> T:
        """Return what *work* returns.

        What was refused is done again after a pause; what was lost too, if it may *repeat*. Raises
        `Busy` when nothing has happened, *lost* when that is not sure, and any other error as it
        is.
        """
        loop = asyncio.get_running_loop()
        last = loop.time() + PATIENCE_SECONDS
        outcome: type[StoreError] = Busy
        for attempt in count(1):
            try:
                return await loop.run_in_executor(self._pool, work)
            except (ClientError, BotoCoreError, ResponseParserError) as error:
                cause, became = error, fate(error)
            if became is Fate.ANSWERED:
                raise cause
            if became is Fate.UNUSABLE:
                logger.error("AWS cannot be used: %s", cause)
                raise outcome("the store cannot be used", retry_after=MEND_SECONDS) from cause
            wait = pause(attempt, self._chance())
            outcome = lost if became is Fate.LOST else outcome
            final = attempt == ATTEMPTS or loop.time() + wait > last
            if final or (became is Fate.LOST and not repeat):
                raise outcome(f"AWS did not do it: {cause}", retry_after=1) from cause
            await asyncio.sleep(wait)
        raise AssertionError("unreachable")

    async def aclose(self) -> None:
        """Wait for the calls under way, then end the threads."""
        await asyncio.to_thread(self._pool.shutdown)
