"""Clients that are configured explicitly, and the default one."""

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property, partial
from typing import Any, Self

from ..core.public import public
from ..core.settings import (
    RETENTION_DAYS,
    SHORT_CLIENTS,
    SPREAD,
    STREAM_MAX_BYTES,
    is_on,
    limits_of,
    linger_of,
)
from . import aio, sync
from .connection import Auth, Connection
from .errors import InvalidSetting
from .retrying import Retries
from .settings import Timeouts, Token
from .transport import Transport
from .writing.buffer import Batching


class _Client:
    """What both kinds of clients are told."""

    def __init__(
        self,
        base_url: str | None = None,
        token: Token | None = None,
        *,
        timeouts: Timeouts | None = None,
        retries: Retries | None = None,
        batching: Batching | None = None,
        lease: int | None = None,
        transport: Callable[[], Transport] | None = None,
    ) -> None:
        """Connect to *base_url* (else `RUNSTREAMS_URL`, else http://127.0.0.1:8787), and show
        *token*: a secret key, a public token, or a function that returns one (else
        `RUNSTREAMS_SECRET_KEY`). Pipes, writers and runs are missed *lease* seconds after their
        process has died (else `RUNSTREAMS_LEASE_SECONDS`, else 60; 0: never). *transport* makes
        another way to the streams.

        Raises `InvalidSetting`.
        """
        self._connection = Connection(
            base_url,
            token,
            timeouts=timeouts,
            retries=retries,
            batching=batching,
            lease=lease,
            transport=transport,
        )
        self.auth = Auth(lambda: self._connection)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._connection.place}>"

    @classmethod
    def direct(
        cls,
        *,
        bucket: str,
        table: str,
        retention_days: float | None = None,
        stream_max_bytes: int | None = None,
        token: Token | None = None,
        timeouts: Timeouts | None = None,
        retries: Retries | None = None,
        batching: Batching | None = None,
        lease: int | None = None,
    ) -> Self:
        """Return a client without a server in between: the streams in S3 and DynamoDB themselves.

        It needs boto3, and what that needs to know about region and credentials. Limits that are
        given neither here nor in the environment are those that the deployment has written at the
        bucket. *token*, a secret key, is needed only to sign public tokens. Raises
        `InvalidSetting`.
        """
        return cls(
            token=token,
            timeouts=timeouts,
            retries=retries,
            batching=batching,
            lease=lease,
            transport=_direct(bucket, table, retention_days, stream_max_bytes),
        )


@public
class Client(_Client):
    """A way to one server: `client.streams` is the sync surface. A context manager.

    Closing it waits for its sources, sends what is pending, and ends its thread.
    """

    @cached_property
    def streams(self) -> sync.Streams:
        """The sync surface."""
        return sync.Streams(lambda: self._connection)

    def close(self) -> None:
        """Wait for the sources, send what is pending, then let go of connections and thread."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._connection.close(error)


@public
class AsyncClient(_Client):
    """A way to one server: `client.streams` is the async surface. An async context manager.

    It may be used from any number of event loops. Closing it waits for its sources, sends what is
    pending, and ends its thread.
    """

    @cached_property
    def streams(self) -> aio.Streams:
        """The async surface."""
        return aio.Streams(lambda: self._connection)

    async def aclose(self) -> None:
        """Wait for the sources, send what is pending, then let go of connections and thread."""
        await self._connection.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        await self._connection.aclose(error)


class _Default:
    """The connection of the module-level `streams`, made when it is first used."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection: Connection | None = None

    def __call__(self) -> Connection:
        with self._lock:
            if self._connection is None:
                self._connection = Connection()
            return self._connection

    def configure(self, connection: Connection | None) -> Connection | None:
        """Use another *connection* from now on, or None for a fresh one; return the one until
        now.
        """
        with self._lock:
            before, self._connection = self._connection, connection
            return before


_default = _Default()

streams = sync.Streams(_default)
"""The sync surface of the default client, made from `RUNSTREAMS_URL` and
`RUNSTREAMS_SECRET_KEY`.
"""

async_streams = aio.Streams(_default)
"""The async surface of the default client."""

auth = Auth(_default)
"""Public tokens, signed with the default client's secret key."""


def configure(
    base_url: str | None = None,
    token: Token | None = None,
    *,
    timeouts: Timeouts | None = None,
    retries: Retries | None = None,
    batching: Batching | None = None,
    lease: int | None = None,
    transport: Callable[[], Transport] | None = None,
) -> None:
    """Let the default client be another one from now on; the parameters are those of `Client`.

    What was begun before is still sent. Raises `InvalidSetting`.
    """
    _default.configure(
        Connection(
            base_url,
            token,
            timeouts=timeouts,
            retries=retries,
            batching=batching,
            lease=lease,
            transport=transport,
        )
    )


@contextmanager
def use_as_default(client: Client) -> Iterator[None]:
    """Let *client* be the default one for as long as the context lasts."""
    before = _default.configure(client._connection)
    try:
        yield
    finally:
        _default.configure(before)


def _direct(
    bucket: str, table: str, retention_days: float | None, stream_max_bytes: int | None
) -> Callable[[], Transport]:
    """Return what makes a way to *bucket* and *table*. Raises `InvalidSetting`."""
    given = {RETENTION_DAYS: retention_days, STREAM_MAX_BYTES: stream_max_bytes}
    with _refusing():  # here, rather than at its first use
        limits_of(given, os.environ)
        linger_of(os.environ)
        for name in (SHORT_CLIENTS, SPREAD):
            is_on(os.environ, name, usual=True)
    return partial(_on_aws, bucket, table, given)


def _on_aws(bucket: str, table: str, given: Mapping[str, Any]) -> Transport:
    try:
        from ..stores.aws.store import AwsStore, connect, session
    except ImportError as error:
        raise InvalidSetting(
            f'a direct client needs boto3: pip install "runstreams[aws]" ({error})'
        ) from error
    from ..wiring import new_id, open_log
    from .transports.direct import DirectTransport

    with _refusing():
        store = AwsStore(*connect(session()), bucket, table, new_id=new_id)
        limits = limits_of(given, os.environ, deployed=store.told)
        linger_ms = linger_of(os.environ)
    return DirectTransport(open_log(store, limits), linger_ms)


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise InvalidSetting(str(error)) from error
