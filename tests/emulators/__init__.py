"""Stand-ins for S3 and DynamoDB, each a process of its own on loopback."""
