"""The store, and how it finds its bucket and its table."""

import os
from base64 import b64encode
from hashlib import md5
from typing import TYPE_CHECKING, Any, cast

from botocore.config import Config
from botocore.loaders import Loader
from botocore.session import Session, get_session

from ...core.limits import MIB, SealingPlan
from ...core.ports import NewId
from ...core.settings import BUCKET, SHORT_CLIENTS, SPREAD, TABLE, is_on
from .calls import Calls
from .connections import distrust_old
from .deployment import told
from .heads import DynamoHeads
from .inlining import Inlining
from .layout import Layout
from .runs import DynamoRuns
from .s3 import Bucket, S3Batches, S3Segments
from .table import Table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

_THREADS = 32
"""Calls at a time. A function that answers one request at a time does with half of them."""

_CONNECT_SECONDS = 3
"""How long to wait for a connection; it takes milliseconds."""

_READ_SECONDS = 10
"""How long to wait for an answer. botocore's minute is longer than a function has."""

_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
"""Where botocore looks for another S3."""


class SettingMissing(ValueError):
    """An environment variable is not set that says where the streams are."""


class AwsStore:
    """Everything in one bucket and one table."""

    changes = None
    window = 8 * MIB
    """Whole segments: a request costs the same whatever it brings."""

    def __init__(
        self,
        s3: "S3Client",
        dynamodb: "DynamoDBClient",
        bucket: str,
        table: str,
        *,
        new_id: NewId,
        plan: SealingPlan | None = None,
        threads: int = _THREADS,
        spread: bool | None = None,
        short: bool | None = None,
    ) -> None:
        """Give streams that are opened a hash in the names of their objects if *spread* says so,
        and let their heads know clients by hashes if *short* does; None: unless the environment
        says not to. Raises `ValueError` where that says neither.
        """
        layout = Layout(
            is_on(os.environ, SPREAD, usual=True) if spread is None else spread,
            is_on(os.environ, SHORT_CLIENTS, usual=True) if short is None else short,
        )
        self.plan, self.mark = plan or SealingPlan(), layout.mark
        self._clients, self._bucket = (s3, dynamodb), bucket
        self._calls = Calls(threads)
        objects, items = Bucket(s3, bucket, self._calls), Table(dynamodb, table, self._calls)
        inlining = Inlining(self.plan)
        self.heads = DynamoHeads(items, self.plan, layout, inlining)
        self.runs = DynamoRuns(items)
        self.batches = S3Batches(objects, new_id, layout, inlining)
        self.segments = S3Segments(objects)

    @classmethod
    def from_environment(
        cls, *, new_id: NewId, threads: int = _THREADS, aws: Session | None = None
    ) -> "AwsStore":
        """Use the bucket RUNSTREAMS_BUCKET and the table RUNSTREAMS_TABLE, through *aws* or a
        session of its own.

        Endpoint, region and credentials come the way they always do for boto3. Raises
        `SettingMissing`, `ValueError`.
        """
        bucket, table = _setting(BUCKET, "S3 bucket"), _setting(TABLE, "DynamoDB table")
        clients = connect(aws or session(), threads)
        return cls(*clients, bucket, table, new_id=new_id, threads=threads)

    def told(self) -> dict[str, str]:
        """Return what the deployment says of the limits, by the names of variables; it takes a
        request. Raises `Untold`, `Busy`.
        """
        return told(self._clients[0], self._bucket)

    async def aclose(self) -> None:
        """End the threads and close the connections."""
        await self._calls.aclose()
        for client in self._clients:
            client.close()


def connect(
    session: Session, threads: int = _THREADS, endpoint: str | None = None
) -> tuple["S3Client", "DynamoDBClient"]:
    """Return clients with a connection for each of *threads*.

    botocore repeats nothing: an update that was done twice could append twice, a condition that
    failed the second time would look like somebody else's doing, and a body that breaks off while
    it is read is not its business. `Calls` knows what may be repeated.
    """
    config = Config(
        retries={"mode": "standard", "total_max_attempts": 1},
        max_pool_connections=threads,
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=_READ_SECONDS,
        tcp_keepalive=True,
        # Other endpoints than AWS's own seldom have a host name for each bucket.
        s3={"addressing_style": "path" if endpoint or _other_s3() else "auto"},
        # Nor do they all know checksums behind a body in chunks. What is put is signed instead.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    # botocore's own clients: boto3 would import its file transfers, an eighth of a cold start.
    s3, dynamodb = (
        session.create_client(name, endpoint_url=endpoint, config=config)
        for name in ("s3", "dynamodb")
    )
    for client in (s3, dynamodb):
        distrust_old(client)
    s3.meta.events.register("before-call.s3.DeleteObjects", _with_md5)
    return cast("S3Client", s3), cast("DynamoDBClient", dynamodb)


def _with_md5(params: dict[str, Any], **_: Any) -> None:
    """Give a deletion the checksum that every S3 knows, in the place of botocore's CRC32, which is
    added behind this: https://github.com/boto/botocore/blob/develop/botocore/httpchecksum.py.
    """
    digest = md5(params["body"], usedforsecurity=False).digest()
    params["headers"]["Content-MD5"] = b64encode(digest).decode()
    params["context"].pop("checksum", None)


class _OurServices(Loader):
    """Finds the services that we use without looking through the folders of all four hundred,
    which is a tenth of a function's cold start.
    https://github.com/boto/botocore/blob/develop/botocore/loaders.py.
    """

    def list_available_services(self, type_name: str) -> list[str]:
        return ["dynamodb", "s3", "secretsmanager"]


def session() -> Session:
    """Return a session that knows our services only."""
    found = get_session()
    found.register_component("data_loader", _OurServices(found.get_config_variable("data_path")))
    return found


def _other_s3() -> bool:
    return any(os.environ.get(name) for name in _ENDPOINTS)


def _setting(name: str, what: str) -> str:
    value = os.environ.get(name, "").strip()
    if not value:
        raise SettingMissing(f"{name} is not set: it names the {what} that keeps the streams")
    return value
