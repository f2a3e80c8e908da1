"""Streams on AWS: objects in S3, heads and runs in one DynamoDB table."""

from .store import AwsStore, SettingMissing, connect

__all__ = ["AwsStore", "SettingMissing", "connect"]
