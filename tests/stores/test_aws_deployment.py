"""What the tags of a deployment's bucket say of the limits."""

from typing import TYPE_CHECKING

import pytest

from runstreams.core.errors import Busy
from runstreams.core.settings import (
    EPOCH,
    INLINE_BYTES,
    POLL_MS,
    RETENTION_DAYS,
    RUN_MAX_STREAMS,
    STREAM_MAX_BYTES,
)
from runstreams.stores.aws import calls
from runstreams.stores.aws.deployment import Untold, told
from tests.emulators.place import Place
from tests.emulators.wire_tap import WireTap, lose_request, refuse, throttle

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ASKED = "GetBucketTagging"


@pytest.fixture
def s3(quick_aws_place: Place) -> "S3Client":
    return quick_aws_place.clients(threads=1)[0]


def test_the_bucket_says_what_the_functions_are_told(aws_place: Place) -> None:
    said = {"stream-max-bytes": "4096", "run-max-streams": "7", "epoch": "1", "inline-bytes": "0"}
    aws_place.tag({"retention-days": "1", **said, "poll-ms": "50", "other": "2"})
    assert aws_place.store().told() == {
        RETENTION_DAYS: "1",
        STREAM_MAX_BYTES: "4096",
        RUN_MAX_STREAMS: "7",
        EPOCH: "1",
        INLINE_BYTES: "0",
        POLL_MS: "50",
    }


def test_a_bucket_that_nobody_has_written_at_says_nothing(aws_place: Place) -> None:
    assert aws_place.store().told() == {}


@pytest.mark.parametrize("code", ["NotImplemented", "MethodNotAllowed"])
def test_an_s3_that_knows_no_tags_says_nothing(
    s3: "S3Client", quick_aws_place: Place, code: str
) -> None:
    WireTap(s3).script = [(ASKED, refuse(code, 501))]
    assert told(s3, quick_aws_place.bucket) == {}


def test_what_passes_is_waited_for(s3: "S3Client", quick_aws_place: Place) -> None:
    quick_aws_place.tag({"retention-days": "1"})
    tap = WireTap(s3)
    tap.script = [(ASKED, throttle), (ASKED, lose_request)]
    assert told(s3, quick_aws_place.bucket) == {RETENTION_DAYS: "1"}
    assert tap.requests == [ASKED] * 3


def test_what_does_not_pass_for_long_is_for_the_caller_to_ask_again(
    s3: "S3Client", quick_aws_place: Place
) -> None:
    WireTap(s3).script = [(ASKED, throttle)] * calls.ATTEMPTS
    with pytest.raises(Busy, match="says no limits"):
        told(s3, quick_aws_place.bucket)


def test_who_may_not_read_the_tags_is_told_what_to_do(
    s3: "S3Client", quick_aws_place: Place
) -> None:
    WireTap(s3).script = [(ASKED, refuse("AccessDenied", 403))]
    with pytest.raises(Untold, match="allow s3:GetBucketTagging, or set RUNSTREAMS_RETENTION_DAYS"):
        told(s3, quick_aws_place.bucket)
