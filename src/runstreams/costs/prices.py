"""The one table of prices: us-east-1, on demand, without free tiers, taxes and discounts."""

from typing import NamedTuple

PAGES = {
    "API Gateway": "https://aws.amazon.com/api-gateway/pricing/",
    "Lambda": "https://aws.amazon.com/lambda/pricing/",
    "S3": "https://aws.amazon.com/s3/pricing/",
    "DynamoDB": "https://aws.amazon.com/dynamodb/pricing/on-demand/",
    "CloudWatch": "https://aws.amazon.com/cloudwatch/pricing/",
    "Data transfer": "https://aws.amazon.com/ec2/pricing/on-demand/",
    "Fargate": "https://aws.amazon.com/fargate/pricing/",
    "Load balancing": "https://aws.amazon.com/elasticloadbalancing/pricing/",
    "VPC": "https://aws.amazon.com/vpc/pricing/",
}
"""Where AWS publishes what each service costs."""


class Price(NamedTuple):
    """What something costs, as AWS's page of the service has it; beyond some volume it is less."""

    service: str
    what: str
    dollars: float
    per: float
    checked: str
    """Year and month in which it was last compared: with what others had copied from the page, as
    that shows its numbers to browsers only.
    """

    def of(self, quantity: float) -> float:
        """Return what *quantity* costs, in dollars."""
        return quantity / self.per * self.dollars


_MILLION = 1e6
GB = 1e9
"""Logs and traffic are counted in bytes, and paid by this."""

HTTP_API = Price("API Gateway", "requests to the HTTP API", 1.00, _MILLION, "2026-11")
REST_API = Price("API Gateway", "requests to the REST API", 3.50, _MILLION, "2026-11")
INVOCATIONS = Price("Lambda", "invocations", 0.20, _MILLION, "2026-11")
GB_SECONDS = Price("Lambda", "GB-seconds, arm64", 0.0000133334, 1, "2026-11")
S3_WRITES = Price("S3", "PUT and LIST requests", 5.00, _MILLION, "2026-11")
S3_READS = Price("S3", "GET requests", 0.40, _MILLION, "2026-11")
S3_STORAGE = Price("S3", "GB-months stored", 0.023, 1, "2026-11")
WRITE_UNITS = Price("DynamoDB", "write units", 0.625, _MILLION, "2026-11")
READ_UNITS = Price("DynamoDB", "read units", 0.125, _MILLION, "2026-11")
TABLE_STORAGE = Price("DynamoDB", "GB-months stored", 0.25, 1, "2026-11")
RECOVERY = Price("DynamoDB", "GB-months of point-in-time recovery", 0.20, 1, "2026-11")
LOG_BYTES = Price("CloudWatch", "bytes of logs", 0.50, GB, "2026-11")
TRAFFIC = Price("Data transfer", "bytes to the internet", 0.09, GB, "2026-11")
TASK_CPU = Price("Fargate", "hours of a processor, arm64", 0.03238, 1, "2026-11")
TASK_MEMORY = Price("Fargate", "hours of a GB, arm64", 0.00356, 1, "2026-11")
BALANCER = Price("Load balancing", "hours of a balancer", 0.0225, 1, "2026-11")
BALANCED = Price("Load balancing", "hours of a capacity unit", 0.008, 1, "2026-11")
ADDRESSES = Price("VPC", "hours of a public address", 0.005, 1, "2026-11")

ALL = (
    HTTP_API,
    REST_API,
    INVOCATIONS,
    GB_SECONDS,
    S3_WRITES,
    S3_READS,
    S3_STORAGE,
    WRITE_UNITS,
    READ_UNITS,
    TABLE_STORAGE,
    RECOVERY,
    LOG_BYTES,
    TRAFFIC,
    TASK_CPU,
    TASK_MEMORY,
    BALANCER,
    BALANCED,
    ADDRESSES,
)
