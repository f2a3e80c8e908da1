"""The store a local server keeps its streams in, as the settings say."""

from ..core.errors import StoreError
from ..core.ports import Store
from ..wiring import new_id
from .errors import CannotRun
from .settings import Settings


def open_store(settings: Settings) -> Store:
    """Open the store, AWS or the folder. Raises `CannotRun`."""
    return _on_aws() if settings.aws else _in_folder(settings)


def place(settings: Settings) -> str:
    """Return where the streams are, for people."""
    return "in S3 and DynamoDB" if settings.aws else str(settings.data.absolute())


def _in_folder(settings: Settings) -> Store:
    import sqlite3

    from ..stores.sqlite import SqliteStore

    try:
        return SqliteStore(settings.data, new_id=new_id, power_safe=settings.power_safe)
    except (StoreError, sqlite3.Error, OSError) as error:
        raise CannotRun(f"cannot use {settings.data} as data folder: {error}") from error


def _on_aws() -> Store:
    from botocore.exceptions import BotoCoreError

    from ..stores.aws import AwsStore, SettingMissing

    try:
        return AwsStore.from_environment(new_id=new_id)
    except (SettingMissing, BotoCoreError) as error:
        raise CannotRun(f"cannot use AWS: {error}") from error
