"""What is asked and answered beside chunks, as pydantic models: the edge where JSON is typed."""

from pydantic import BaseModel, ConfigDict, ValidationError

from ...core.errors import InvalidRequest


class Lineage(BaseModel):
    """Where a run comes from."""

    model_config = ConfigDict(extra="forbid")

    parent: str | None = None
    root: str | None = None

    @classmethod
    def of(cls, body: bytes) -> "Lineage":
        """Return what *body* says; an empty one says nothing. Raises `InvalidRequest`."""
        try:
            return cls.model_validate_json(body if body.strip() else b"{}")
        except ValidationError as error:
            reason = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in reason["loc"])
            raise InvalidRequest(f"{where or 'body'}: {reason['msg']}") from None


class StreamDeleted(BaseModel):
    """Whether there was a stream to delete."""

    deleted: bool


class RunDeleted(BaseModel):
    """How many streams went with a run."""

    streams: int


class TokenClaims(BaseModel):
    """What the published SDKs put into the public tokens that they sign."""

    sub: str
    pub: bool


class Health(BaseModel):
    """That the service answers."""

    status: str
    version: str
