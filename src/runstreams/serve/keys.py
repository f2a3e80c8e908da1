"""The keys that a server accepts: one that it is given or has made, or those of a deployment beside
which it serves, where a key may be rotated meanwhile.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from ..core.access import Grant
from ..core.errors import Busy
from ..core.ports import Clock
from ..core.settings import SECRET_ARN, SECRET_KEY, previous_days_of
from ..http import Keys
from ..http.access import UnknownKey
from ..http.rotation import FRESH_MS, Rotation
from ..wiring import now
from .errors import CannotRun
from .folder import open_folder
from .secret_key import secret_key
from .settings import Settings

if TYPE_CHECKING:
    from ..stores.aws.secret import Versions

EVERY_SECONDS = 300
"""How long a server goes without looking at the secret again, when nobody shows an unknown key."""

_AGAIN_SECONDS = 1
"""When whoever shows an unknown key should come back: by then it has been looked up."""

logger = logging.getLogger(__name__)


def key_source(settings: Settings, environ: Mapping[str, str]) -> Callable[[], Keys]:
    """Return what gives each process its keys. Raises `CannotRun`, as it does itself."""
    if is_deployed(settings, environ):
        return lambda: DeployedKeys.of(environ)
    if not (settings.aws and environ.get(SECRET_KEY)):  # or else nothing lies in it
        open_folder(settings.data)
    keys = Keys([secret_key(settings.data, environ)])
    return lambda: keys


def named_key(settings: Settings, environ: Mapping[str, str]) -> str | None:
    """Return the variable that names the key or where it is; None: it is in the folder."""
    if is_deployed(settings, environ):
        return SECRET_ARN
    return SECRET_KEY if environ.get(SECRET_KEY) else None


def is_deployed(settings: Settings, environ: Mapping[str, str]) -> bool:
    """Say whether the keys are those of a deployment's secret."""
    return settings.aws and bool(environ.get(SECRET_ARN)) and not environ.get(SECRET_KEY)


class DeployedKeys(Keys):
    """The current key of a secret, and for a while the one before it.

    They are read beside the requests, which all wait while one does: whoever shows an unknown key
    is asked to come back.
    """

    def __init__(
        self, read: Callable[[], "Versions"], previous_days: float, clock: Clock = now
    ) -> None:
        """Read the keys with *read*, in a thread but for the first time. Raises what it raises."""
        self._read = read
        self._clock = clock
        self._rotation = Rotation(previous_days)
        self._adopt(read())
        self._wanted = asyncio.Event()

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> "DeployedKeys":
        """Return the keys of the secret that *environ* names. Raises `CannotRun`."""
        from botocore.exceptions import BotoCoreError, ClientError

        from ..stores.aws.secret import Secret
        from ..stores.aws.store import session

        name = environ[SECRET_ARN]
        try:
            days = previous_days_of(environ)
        except ValueError as error:
            raise CannotRun(str(error)) from None
        try:
            return cls(Secret(session(), name).read, days)
        except (BotoCoreError, ClientError, KeyError, ValueError) as error:
            raise CannotRun(f"cannot read the secret key from {name}: {error}") from error

    def grant(self, authorization: bytes | None, now: int) -> Grant:
        """Return what the holder of an *authorization* header may do at *now*, in milliseconds.

        Raises `Unauthenticated`, and `Busy` while the keys are looked up.
        """
        try:
            return self._rotation.at(now).grant(authorization, now)
        except UnknownKey:
            if not self._looks(now):
                raise
        raise Busy("the key is unknown so far, and is looked up", retry_after=_AGAIN_SECONDS)

    def _looks(self, now: int) -> bool:
        """Say whether the keys are looked up now, which an unknown one is reason for if it was not
        done a moment ago.
        """
        if now - self._read_at >= FRESH_MS:
            self._wanted.set()
        return self._wanted.is_set()

    async def keep_fresh(self) -> None:
        """Look them up when that is wanted, and now and then, until cancelled."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(EVERY_SECONDS):
                    await self._wanted.wait()
            try:
                self._adopt(await asyncio.to_thread(self._read))
            except Exception as error:
                logger.error("the secret key cannot be read again, those known go on: %r", error)
                self._read_at = self._clock()
            self._wanted.clear()

    def _adopt(self, versions: "Versions") -> None:
        self._rotation.adopt(versions)
        self._read_at = self._clock()
