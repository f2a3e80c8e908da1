"""Functions in an emulated AWS that holds what the template declares."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import boto3
import pytest
from moto import mock_aws

from tests.functions.handlers import ENVIRONMENT, Functions, imported
from tests.functions.template import create_bucket, create_table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client


@pytest.fixture(scope="module")
def session() -> boto3.Session:
    return boto3.Session("none", "none", region_name=ENVIRONMENT["AWS_DEFAULT_REGION"])


@pytest.fixture(scope="module")
def s3(session: boto3.Session) -> "S3Client":
    return session.client("s3")


@pytest.fixture(scope="module")
def dynamodb(session: boto3.Session) -> "DynamoDBClient":
    return session.client("dynamodb")


@pytest.fixture
def emulated(s3: "S3Client", dynamodb: "DynamoDBClient") -> Iterator[None]:
    """A bucket and a table, both empty."""
    with mock_aws():
        create_bucket(s3, ENVIRONMENT["RUNSTREAMS_BUCKET"])
        create_table(dynamodb, ENVIRONMENT["RUNSTREAMS_TABLE"])
        yield


@pytest.fixture(scope="module")
def handlers() -> Iterator[Functions]:
    with imported() as functions:
        yield functions


@pytest.fixture
def functions(handlers: Functions, emulated: None) -> Functions:
    """All functions, with an empty bucket and an empty table."""
    return handlers
