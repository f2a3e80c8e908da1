"""Stores keep what the core decides: in memory, in SQLite, in S3 with DynamoDB."""
