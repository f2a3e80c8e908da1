"""Batches and segments as objects in one S3 bucket.

Reads and deletions change nothing the second time, and nobody can see an object before its head or
its name says so: hence any passing fault counts as if nothing had happened.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from botocore.exceptions import ClientError

from ...core.errors import Busy, ObjectMissing, StoreError
from ...core.limits import NAMES_AT_ONCE, NO_LIMITS, Limits
from ...core.model import FORMAT, Batch, Pointer, SegmentName, StoredBatch, StreamId
from ...core.ports import NewId, Staged
from ...core.segment import parse_name
from ...core.unsealed import inline
from .calls import Calls, code
from .inlining import Inlining
from .layout import Layout, batch_key, generation_prefix, segment_key, segment_prefixes

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

GETS = 32
"""Batches fetched at a time. A sealer fetches 64 while others append, so it must be quick; a page
may need 256, and others want the connections too.
"""

MISSING = frozenset({"NoSuchKey", "404"})
"""Answers that say that an object is gone."""

_BEYOND = frozenset({"InvalidRange", "416"})
"""Answers that say that an object ends before the range begins."""


class Bucket:
    """Makes requests to the bucket."""

    def __init__(self, client: "S3Client", name: str, calls: Calls) -> None:
        self._client = client
        self._name = name
        self._calls = calls

    async def put(
        self, key: str, body: bytes, content_type: str, metadata: Mapping[str, str]
    ) -> None:
        """Store an object."""
        await self._run(
            self._client.put_object,
            Key=key,
            Body=body,
            ContentType=content_type,
            Metadata=metadata,
        )

    async def get(self, key: str) -> tuple[bytes, dict[str, str]]:
        """Return an object's body and metadata. Raises `ObjectMissing`."""
        return await self._get(Key=key)

    async def get_range(self, key: str, start: int, end: int) -> bytes:
        """Return bytes *start* to *end* of an object, as far as it goes. Raises
        `ObjectMissing`.
        """
        # A range cannot say "nothing", so it names one byte at least.
        last = max(start, end - 1)
        try:
            body, _ = await self._get(Key=key, Range=f"bytes={start}-{last}")
        except ClientError as error:
            if code(error) not in _BEYOND:
                raise
            return b""
        return body[: end - start]

    async def _get(self, **arguments: str) -> tuple[bytes, dict[str, str]]:
        def whole(**names: Any) -> tuple[bytes, dict[str, str]]:
            # The body is read in the same thread, so that a broken one is asked for again.
            answer = self._client.get_object(**names)
            return answer["Body"].read(), answer["Metadata"]

        try:
            found: tuple[bytes, dict[str, str]] = await self._run(whole, **arguments)
        except ClientError as error:
            if code(error) not in MISSING:
                raise
            raise ObjectMissing(f"the object {arguments['Key']} is gone") from error
        return found

    async def list(self, **arguments: Any) -> Any:
        """Return one page of names."""
        return await self._run(self._client.list_objects_v2, **arguments)

    async def delete(self, keys: Sequence[str]) -> None:
        """Remove objects. Raises `StoreError` where that is refused for good."""
        for at in range(0, len(keys), NAMES_AT_ONCE):
            objects = [{"Key": key} for key in keys[at : at + NAMES_AT_ONCE]]
            try:
                answer = await self._run(
                    self._client.delete_objects, Delete={"Objects": objects, "Quiet": True}
                )
            except ClientError as error:
                raise StoreError(f"S3 deletes nothing: {error}") from error
            if errors := answer.get("Errors"):
                raise Busy(f"S3 did not delete {len(errors)} objects: {errors[0]}", retry_after=1)

    async def _run(self, work: Callable[..., Any], **arguments: Any) -> Any:
        return await self._calls.run(partial(work, Bucket=self._name, **arguments))


class S3Batches:
    """The objects of appends; batches that suit their pointers have none."""

    def __init__(self, bucket: Bucket, new_id: NewId, layout: Layout, inlining: Inlining) -> None:
        self._bucket = bucket
        self._new_id = new_id
        self._layout = layout
        self._inlining = inlining

    async def put(self, stream: StreamId, batch: Batch, limits: Limits = NO_LIMITS) -> Staged:
        if self._inlining.suits(stream, batch, limits):
            return inline(batch, self._new_id)
        name = self._layout.name_of(stream, self._new_id())
        await self._bucket.put(
            batch_key(stream, name), batch.lines, "application/x-ndjson", _describe(batch)
        )
        return Staged(name, batch)

    async def get(self, stream: StreamId, pointers: Sequence[Pointer]) -> list[StoredBatch]:
        turn = asyncio.Semaphore(GETS)

        async def one(pointer: Pointer) -> StoredBatch:
            async with turn:
                lines, said = await self._bucket.get(batch_key(stream, pointer.object))
            client = unquote(said["client"]) if "client" in said else None
            return StoredBatch(lines, client, int(said["number"]))

        return await asyncio.gather(*map(one, pointers))

    async def delete(self, stream: StreamId, objects: Sequence[str]) -> None:
        await self._bucket.delete([batch_key(stream, name) for name in objects])


class S3Segments:
    """Segments, found by listing from the index that is looked for."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    async def put(self, stream: StreamId, name: SegmentName, body: bytes) -> None:
        said = {"format": str(FORMAT)}
        await self._bucket.put(segment_key(stream, name), body, "application/octet-stream", said)

    async def get(self, stream: StreamId, name: SegmentName, start: int, end: int) -> bytes:
        return await self._bucket.get_range(segment_key(stream, name), start, end)

    async def names(self, stream: StreamId, generation: str, index: int) -> list[SegmentName]:
        prefix = generation_prefix(stream, generation)
        # Names begin with their last index, so this stands before each that ends at *index* or
        # later, and behind all others.
        answer = await self._bucket.list(
            Prefix=prefix, StartAfter=f"{prefix}{index:020d}", MaxKeys=NAMES_AT_ONCE
        )
        return [
            parse_name(generation, found["Key"].removeprefix(prefix), found["Size"])
            for found in answer.get("Contents", [])
        ]

    async def generations(self, stream: StreamId) -> list[str]:
        listed = await asyncio.gather(*map(self._folders, segment_prefixes(stream)))
        return [name for names in listed for name in names]

    async def _folders(self, prefix: str) -> list[str]:
        found: list[str] = []
        more: dict[str, str] = {}
        while True:
            answer = await self._bucket.list(Prefix=prefix, Delimiter="/", **more)
            found += _folders(answer, prefix)
            if not answer.get("IsTruncated"):
                return found
            more = {"ContinuationToken": answer["NextContinuationToken"]}

    async def delete(self, stream: StreamId, names: Sequence[SegmentName]) -> None:
        await self._bucket.delete([segment_key(stream, name) for name in names])


def _describe(batch: Batch) -> dict[str, str]:
    """Return what a batch's object says of itself; S3 keeps ASCII only."""
    said = {
        "format": str(FORMAT),
        "number": str(batch.number),
        "count": str(batch.count),
        "time": str(batch.time),
    }
    return said if batch.client is None else {**said, "client": quote(batch.client, safe="")}


def _folders(answer: Any, prefix: str) -> Iterator[str]:
    for found in answer.get("CommonPrefixes", []):
        yield found["Prefix"].removeprefix(prefix).rstrip("/")
