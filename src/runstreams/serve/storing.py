"""The store a local server keeps its streams in, as the settings say."""

from collections.abc import Callable, Mapping
from typing import Protocol, runtime_checkable

from ..core.errors import StoreError
from ..core.limits import Limits
from ..core.ports import Store
from ..core.settings import linger_of
from ..wiring import new_id
from .errors import CannotRun
from .settings import Settings


@runtime_checkable
class Deployed(Protocol):
    """A store whose deployment says the limits of its streams."""

    def told(self) -> Mapping[str, str]:
        """Return them by the names of variables."""


def open_store(settings: Settings, committed: Callable[[], None] = lambda: None) -> Store:
    """Open the store, AWS or the folder, which calls *committed* after its commits.

    Raises `CannotRun`.
    """
    return _on_aws() if settings.aws else _in_folder(settings, committed)


def limits_in(store: Store, settings: Settings) -> Limits:
    """Return the limits of the streams in *store*: what is not set, as its deployment says it.

    Raises `CannotRun`.
    """
    try:
        return settings.limits(store.told if isinstance(store, Deployed) else dict)
    except (StoreError, ValueError) as error:
        raise CannotRun(str(error)) from error


def linger_in(settings: Settings, environ: Mapping[str, str]) -> int | None:
    """Return for how long writers are advised to gather chunks: not at all for those to the folder.

    Raises `CannotRun`.
    """
    try:
        return linger_of(environ) if settings.aws else None
    except ValueError as error:
        raise CannotRun(str(error)) from error


def place(settings: Settings) -> str:
    """Return where the streams are, for people."""
    return "in S3 and DynamoDB" if settings.aws else str(settings.data.absolute())


def _in_folder(settings: Settings, committed: Callable[[], None]) -> Store:
    import sqlite3

    from ..stores.sqlite import SqliteStore

    try:
        return SqliteStore(
            settings.data, new_id=new_id, power_safe=settings.power_safe, committed=committed
        )
    except (StoreError, sqlite3.Error, OSError) as error:
        raise CannotRun(f"cannot use {settings.data} as data folder: {error}") from error


def _on_aws() -> Store:
    from botocore.exceptions import BotoCoreError

    from ..stores.aws import AwsStore

    try:
        return AwsStore.from_environment(new_id=new_id)
    except (ValueError, BotoCoreError) as error:
        raise CannotRun(f"cannot use AWS: {error}") from error
