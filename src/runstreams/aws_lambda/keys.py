"""The secret keys of a deployed API: in Secrets Manager, read through Powertools Parameters.

The secret is one value, the key. Whoever gives it a new value rotates the key: the new one is
accepted at once, and the one before it for as long as a token that it signed may live.
"""

import logging
from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError
from aws_lambda_powertools.utilities.parameters.secrets import SecretsProvider
from botocore.config import Config
from botocore.session import Session

from ..core.access import Grant
from ..core.errors import Busy, Unauthenticated
from ..core.limits import DAY_MS
from ..http.access import Keys
from ..stores.aws.connections import distrust_old

_CACHE_SECONDS = 300
"""How long a process goes without asking for the keys again: two requests in five minutes."""

FRESH_MS = 10_000
"""An unknown key may be newer than the ones in the cache, so they are asked for again; not more
often than this, since anybody can send an unknown key.
"""

PREVIOUS_DAYS = 30
"""How long the previous key is accepted: no token of the published SDKs lives longer."""

PATIENCE = Config(
    connect_timeout=1, read_timeout=3, retries={"mode": "standard", "total_max_attempts": 2}
)
"""Two requests, twice each, stay well below the time that a function has for its first answer."""

logger = logging.getLogger(__name__)

Versions = Mapping[str, Any]
"""`current` and `previous` key, the latter maybe None, and `since` when, in milliseconds."""


class _KeyProvider(SecretsProvider):
    """Reads the current value of a secret and the one before it, as one parameter.

    When they cannot be read again, those known go on.
    """

    def __init__(self, client: Any) -> None:
        super().__init__(boto3_client=client)
        self._last: dict[str, Any] | None = None

    def _get(self, name: str, **options: Any) -> dict[str, Any]:  # type: ignore[override]
        try:
            self._last = self._read(name)
        except Exception as error:
            logger.error("the secret key cannot be read from %s: %r", name, error)
            if self._last is None:
                raise
        return self._last

    def _read(self, name: str) -> dict[str, Any]:
        current = self.client.get_secret_value(SecretId=name)
        previous = self._previous(name)
        # Where the label was moved back, the older version is the current one.
        made = max(each["CreatedDate"] for each in (current, previous or current))
        return {
            "current": current["SecretString"],
            "previous": previous and previous["SecretString"],
            "since": int(made.timestamp() * 1000),
        }

    def _previous(self, name: str) -> Any:
        try:
            return self.client.get_secret_value(SecretId=name, VersionStage="AWSPREVIOUS")
        except self.client.exceptions.ResourceNotFoundException:
            return None  # never rotated


class RotatingKeys(Keys):
    """The current key of a secret, and for a while the one before it."""

    _current: Keys
    _both: Keys

    def __init__(self, aws: Session, name: str, previous_days: float = PREVIOUS_DAYS) -> None:
        """Read the keys from the secret *name*, through *aws*, when they are needed first."""
        client = aws.create_client("secretsmanager", config=PATIENCE)
        distrust_old(client)
        self._provider = _KeyProvider(client)
        self._name = name
        self._previous_ms = previous_days * DAY_MS
        self._read_at = 0
        self._versions: Versions = {}

    def grant(self, authorization: bytes | None, now: int) -> Grant:
        """Return what the holder of an *authorization* header may do at *now*, in milliseconds.

        Raises `Unauthenticated`, and `Busy` where no key can be read.
        """
        try:
            return self._keys(now).grant(authorization, now)
        except Unauthenticated:
            if now - self._read_at < FRESH_MS:
                raise
        return self._keys(now, again=True).grant(authorization, now)

    def _keys(self, now: int, again: bool = False) -> Keys:
        try:
            versions: Any = self._provider.get(
                self._name, max_age=_CACHE_SECONDS, force_fetch=again
            )
        except GetParameterError as error:
            raise Busy("the secret key cannot be read", retry_after=5) from error
        if again or versions is not self._versions:
            self._read_at = now
            self._adopt(versions)
        return self._both if now < versions["since"] + self._previous_ms else self._current

    def _adopt(self, versions: Versions) -> None:
        # Equal keys stay, and with them the tokens that they have verified.
        if versions != self._versions:
            found = [versions["current"], versions["previous"]]
            self._current = Keys(found[:1])
            self._both = Keys(filter(None, found))
        self._versions = versions
