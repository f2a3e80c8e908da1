"""What a deployment says of its limits: tags of its bucket, which the template writes.

So whoever uses bucket and table without a function in between finds the very numbers that the
functions have.
"""

import time
from itertools import count
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from ...core.errors import Busy
from ...core.settings import LIMITS
from .calls import ATTEMPTS, PATIENCE_SECONDS, Fate, code, fate, pause

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

TAGS = {name.lower().replace("_", ":", 1).replace("_", "-"): name for name in LIMITS}
"""The tags, and the variables of the functions' environment that say the same:
`runstreams:retention-days` is `RUNSTREAMS_RETENTION_DAYS`.
"""

_UNSAID = frozenset({"MethodNotAllowed", "NoSuchTagSet", "NotImplemented"})
"""Answers of a bucket without tags, and of an S3 that knows none."""


class Untold(ValueError):
    """What a deployment says of its limits cannot be read."""


def told(s3: "S3Client", bucket: str) -> dict[str, str]:
    """Return what *bucket* says of the limits, by the names of variables; nothing where nobody has
    written it there. Raises `Untold`, `Busy`.
    """
    last = time.monotonic() + PATIENCE_SECONDS
    for attempt in count(1):
        try:
            tags = s3.get_bucket_tagging(Bucket=bucket)["TagSet"]
            return {TAGS[tag["Key"]]: tag["Value"] for tag in tags if tag["Key"] in TAGS}
        except (ClientError, BotoCoreError) as error:
            if isinstance(error, ClientError) and code(error) in _UNSAID:
                return {}
            _judge(error, bucket, is_last=attempt == ATTEMPTS or time.monotonic() > last)
        time.sleep(pause(attempt, 1.0))
    raise AssertionError("unreachable")


def _judge(error: Exception, bucket: str, *, is_last: bool) -> None:
    """Return if the question may be asked again."""
    if fate(error) not in (Fate.REFUSED, Fate.LOST):
        raise Untold(
            f"cannot see the limits that are written at the bucket {bucket}: allow "
            f"s3:GetBucketTagging, or set {', '.join(LIMITS)} ({error})"
        ) from error
    if is_last:
        raise Busy(f"the bucket {bucket} says no limits: {error}", retry_after=1) from error
