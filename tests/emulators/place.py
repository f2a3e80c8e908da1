"""A bucket and a table of one's own in an emulator."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING
from uuid import uuid4

from botocore.session import Session, get_session

from runstreams.core.limits import SealingPlan
from runstreams.stores.aws import AwsStore, connect
from runstreams.wiring import new_id
from tests.emulators.resources import create_resources

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

SETTINGS = {
    "AWS_ACCESS_KEY_ID": "emulator",
    "AWS_SECRET_ACCESS_KEY": "emulator",
    "AWS_DEFAULT_REGION": "us-east-1",
}


@cache
def session() -> Session:
    """Return the session of all tests; reading the services' descriptions once is enough."""
    found = get_session()
    found.set_credentials(SETTINGS["AWS_ACCESS_KEY_ID"], SETTINGS["AWS_SECRET_ACCESS_KEY"])
    found.set_config_variable("region", SETTINGS["AWS_DEFAULT_REGION"])
    return found


@dataclass(frozen=True, slots=True)
class Place:
    """Where a store's streams are; it can be sent to another process."""

    endpoint: str
    bucket: str
    table: str

    def clients(self, threads: int = 32) -> tuple["S3Client", "DynamoDBClient"]:
        """Return clients as the store makes them, for a test to watch or to disturb."""
        return connect(session(), threads, self.endpoint)

    def store(self, plan: SealingPlan | None = None, threads: int = 32) -> AwsStore:
        """Return a store that keeps its streams here."""
        clients = self.clients(threads)
        return AwsStore(
            *clients, self.bucket, self.table, new_id=new_id, plan=plan, threads=threads
        )

    def tag(self, tags: Mapping[str, str]) -> None:
        """Write *tags* at the bucket as the template does."""
        s3, _ = self.clients(threads=1)
        found = [{"Key": f"runstreams:{name}", "Value": value} for name, value in tags.items()]
        s3.put_bucket_tagging(Bucket=self.bucket, Tagging={"TagSet": found})
        s3.close()

    def environment(self) -> Mapping[str, str]:
        """Return what a process needs in its environment to find this place."""
        return {
            **SETTINGS,
            "AWS_ENDPOINT_URL": self.endpoint,
            "RUNSTREAMS_BUCKET": self.bucket,
            "RUNSTREAMS_TABLE": self.table,
        }


def fresh_place(endpoint: str) -> Place:
    """Make a bucket and a table that nobody else uses."""
    place = Place(endpoint, f"streams-{uuid4().hex}", f"streams-{uuid4().hex}")
    s3, dynamodb = place.clients(threads=1)
    create_resources(s3, dynamodb, place.bucket, place.table)
    # Tests have clocks of their own, and an emulator may remove what has expired by the real one.
    dynamodb.update_time_to_live(
        TableName=place.table,
        TimeToLiveSpecification={"AttributeName": "ttl", "Enabled": False},
    )
    s3.close()
    dynamodb.close()
    return place


def aws_store(endpoint: str, plan: SealingPlan | None = None, threads: int = 32) -> AwsStore:
    """Return a store with a bucket and a table of its own at *endpoint*."""
    return fresh_place(endpoint).store(plan, threads)
