"""The secret of a deployment in Secrets Manager: one value, the key of its servers.

Whoever gives it a new value rotates the key; Secrets Manager keeps the value of before.
"""

from typing import Any, NamedTuple

from botocore.config import Config
from botocore.session import Session

from .connections import distrust_old

PATIENCE = Config(
    connect_timeout=1, read_timeout=3, retries={"mode": "standard", "total_max_attempts": 2}
)
"""Two requests, twice each, stay well below the time that a function has for its first answer."""


class Versions(NamedTuple):
    """The key and the one before it."""

    current: str
    previous: str | None
    """None: it was never rotated."""
    since: int
    """When it was rotated last, in milliseconds since 1970."""


class Secret:
    """A secret whose value is a key."""

    def __init__(self, aws: Session, name: str) -> None:
        """Ask for the secret *name* through *aws*, on connections of its own."""
        self.client: Any = aws.create_client("secretsmanager", config=PATIENCE)
        distrust_old(self.client)
        self.name = name

    def read(self) -> Versions:
        """Return its two latest versions; two requests. Raises what botocore raises."""
        current = self.client.get_secret_value(SecretId=self.name)
        previous = self._previous()
        # Where the label was moved back, the older version is the current one.
        made = max(each["CreatedDate"] for each in (current, previous or current))
        before = previous["SecretString"] if previous else None
        return Versions(current["SecretString"], before, int(made.timestamp() * 1000))

    def _previous(self) -> Any:
        try:
            return self.client.get_secret_value(SecretId=self.name, VersionStage="AWSPREVIOUS")
        except self.client.exceptions.ResourceNotFoundException:
            return None  # never rotated
