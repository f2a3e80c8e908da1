"""The bucket and the table, for emulators and for a first try; deployed, the template makes them.

What is declared here is what the template declares: a test compares the two.
"""

from typing import TYPE_CHECKING

from runstreams.stores.aws.table import RECENT

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import LifecycleRuleTypeDef

RETENTION_DAYS = 28
"""After so many days S3 may remove an object: none of its chunks can be read any more."""

UPLOAD_DAYS = 1
"""After so many days S3 removes the parts of an upload that was not finished."""


def create_resources(s3: "S3Client", dynamodb: "DynamoDBClient", bucket: str, table: str) -> None:
    """Create *bucket* and *table*, with everything that cleans up."""
    create_bucket(s3, bucket)
    create_table(dynamodb, table)
    dynamodb.update_time_to_live(
        TableName=table, TimeToLiveSpecification={"AttributeName": "ttl", "Enabled": True}
    )


def create_bucket(s3: "S3Client", bucket: str) -> None:
    """Create the bucket, and the rules by which its objects go."""
    if s3.meta.region_name == "us-east-1":  # the one region that may not be named
        s3.create_bucket(Bucket=bucket)
    else:
        s3.create_bucket(
            Bucket=bucket,
            CreateBucketConfiguration={"LocationConstraint": s3.meta.region_name},  # type: ignore[typeddict-item]
        )
    rules = [_expiry("batches", "b/"), _expiry("segments", "s/"), _uploads()]
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": rules})


def create_table(dynamodb: "DynamoDBClient", table: str) -> None:
    """Create the table with its index of recent runs, and wait until it is there."""
    dynamodb.create_table(
        TableName=table,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[
            {"AttributeName": "run", "KeyType": "HASH"},
            {"AttributeName": "item", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S"}
            for name in ("run", "item", "shard", "created")
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": RECENT,
                "KeySchema": [
                    {"AttributeName": "shard", "KeyType": "HASH"},
                    {"AttributeName": "created", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    dynamodb.get_waiter("table_exists").wait(TableName=table, WaiterConfig={"Delay": 1})


def _expiry(name: str, prefix: str) -> "LifecycleRuleTypeDef":
    return {
        "ID": f"{name} expire",
        "Status": "Enabled",
        "Filter": {"Prefix": prefix},
        "Expiration": {"Days": RETENTION_DAYS},
    }


def _uploads() -> "LifecycleRuleTypeDef":
    return {
        "ID": "unfinished uploads",
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": UPLOAD_DAYS},
    }
