"""An S3 that is not AWS's own, and knows nothing that S3 has learnt in the last ten years."""

from base64 import b64encode
from hashlib import md5
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.session import get_session

from runstreams.core.model import Closed
from runstreams.stores.aws import connect
from tests.emulators.place import SETTINGS, Place
from tests.emulators.wire_tap import answer, refuse
from tests.stores.aws_log import watched


def refuse_the_new(request: Any, **_: Any) -> AWSResponse | None:
    """Refuse checksums other than MD5, bodies in chunks, and deletions without a checksum."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    chunked = b"aws-chunked" in headers.get("content-encoding", b"")
    if chunked or any(name.startswith(("x-amz-checksum", "x-amz-sdk")) for name in headers):
        return refuse("NotImplemented", 501)(request)
    if "?delete" in request.url and headers.get("content-md5") != _md5(request.body):
        return refuse("InvalidRequest", 400)(request)
    return None


def _md5(body: bytes) -> bytes:
    return b64encode(md5(body).digest())


async def test_a_stream_lives_and_dies_in_an_older_s3(aws_place: Place) -> None:
    async with watched(aws_place, seals=True) as it:
        s3, _ = it.store._clients
        s3.meta.events.register("before-send.s3", refuse_the_new)
        for number in range(20):
            await it.append(client="c", number=number)
        await it.log.close(it.stream, Closed("completed"))
        assert len(await it.everything()) == 20
        assert await it.log.delete(it.stream)
        left = s3.list_objects_v2(Bucket=aws_place.bucket)
        assert "Contents" not in left


def test_an_older_s3_behind_tls_takes_bodies_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only there botocore would send them in chunks, with a checksum behind them."""
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    s3, dynamodb = connect(get_session(), endpoint="https://s3.example")
    s3.meta.events.register("before-send.s3", refuse_the_new)
    s3.meta.events.register_last("before-send.s3", lambda request, **_: answer(request, 200, b""))
    s3.put_object(Bucket="streams", Key="b/run/key/name", Body=b"1\n")
    s3.close()
    dynamodb.close()
