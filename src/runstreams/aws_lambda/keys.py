"""The secret keys of a deployed API: in Secrets Manager, read through Powertools Parameters."""

import logging
from typing import Any

from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError
from aws_lambda_powertools.utilities.parameters.secrets import SecretsProvider
from botocore.session import Session

from ..core.access import Grant
from ..core.errors import Busy
from ..core.settings import PREVIOUS_DAYS
from ..http.access import Keys, UnknownKey
from ..http.rotation import FRESH_MS, Rotation
from ..stores.aws.secret import Secret, Versions

_CACHE_SECONDS = 300
"""How long a process goes without asking for the keys again: two requests in five minutes."""

logger = logging.getLogger(__name__)


class _KeyProvider(SecretsProvider):
    """Reads the current value of a secret and the one before it, as one parameter.

    When they cannot be read again, those known go on. `_get` is what a provider of one's own has:
    https://docs.powertools.aws.dev/lambda/python/latest/utilities/parameters/.
    """

    def __init__(self, secret: Secret) -> None:
        super().__init__(boto3_client=secret.client)
        self._secret = secret
        self._last: Versions | None = None

    def _get(self, name: str, **options: Any) -> Any:
        try:
            self._last = self._secret.read()
        except Exception as error:
            logger.error("the secret key cannot be read from %s: %r", name, error)
            if self._last is None:
                raise
        return self._last


class RotatingKeys(Keys):
    """The current key of a secret, and for a while the one before it."""

    def __init__(self, aws: Session, name: str, previous_days: float = PREVIOUS_DAYS) -> None:
        """Read the keys from the secret *name*, through *aws*, when they are needed first."""
        self._provider = _KeyProvider(Secret(aws, name))
        self._name = name
        self._rotation = Rotation(previous_days)
        self._read_at = 0
        self._last: Versions | None = None

    def grant(self, authorization: bytes | None, now: int) -> Grant:
        """Return what the holder of an *authorization* header may do at *now*, in milliseconds.

        Raises `Unauthenticated`, and `Busy` where no key can be read.
        """
        try:
            return self._keys(now).grant(authorization, now)
        except UnknownKey:
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
        if again or versions is not self._last:
            self._read_at = now
            self._rotation.adopt(versions)
            self._last = versions
        return self._rotation.at(now)
