"""Watching and disturbing a client's requests where they leave the process."""

from collections.abc import Callable
from io import BytesIO
from typing import TYPE_CHECKING, Any

from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError
from botocore.httpsession import URLLib3Session

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

Fault = Callable[[Any], AWSResponse]


class WireTap:
    """Keeps a record of the requests that are sent, and spoils those that its *script* names, each
    once, and those that it *always* does.
    """

    def __init__(self, *clients: "S3Client | DynamoDBClient") -> None:
        self.requests: list[str] = []
        self.bodies: list[Any] = []
        self.script: list[tuple[str, Fault]] = []
        self.always: tuple[str, Fault] | None = None
        for client in clients:
            client.meta.events.register("before-send", self._before_send)

    def _before_send(self, request: Any, event_name: str, **_: Any) -> AWSResponse | None:
        operation = event_name.rpartition(".")[2]
        self.requests.append(operation)
        self.bodies.append(request.body)
        if self.script and self.script[0][0] == operation:
            return self.script.pop(0)[1](request)
        if self.always and self.always[0] == operation:
            return self.always[1](request)
        return None


def lose_request(request: Any) -> AWSResponse:
    """Break the connection before anything has reached the service."""
    raise ConnectionClosedError(endpoint_url=request.url)


def lose_answer(request: Any) -> AWSResponse:
    """Let the service do what it is asked, and time out instead of hearing of it."""
    session = URLLib3Session()
    session.send(request)
    session.close()
    raise ReadTimeoutError(endpoint_url=request.url)


def throttle(request: Any) -> AWSResponse:
    """Answer that there are too many requests."""
    if "x-amz-target" in request.headers:
        body = b'{"__type": "com.amazonaws.dynamodb#ThrottlingException", "message": "slowly"}'
        return answer(request, 400, body)
    return answer(request, 503, b"<Error><Code>SlowDown</Code><Message>slowly</Message></Error>")


def refuse(code: str, status: int = 400) -> Fault:
    """Return what answers with *code*, in the service's own form."""

    def refusing(request: Any) -> AWSResponse:
        if "x-amz-target" in request.headers:
            return answer(request, status, b'{"__type": "com.amazonaws#%s"}' % code.encode())
        return answer(request, status, b"<Error><Code>%s</Code></Error>" % code.encode())

    refusing.__name__ = code
    return refusing


def cancel(request: Any) -> AWSResponse:
    """Answer that the transaction met another one."""
    reasons = b'[{"Code": "None"}, {"Code": "TransactionConflict"}]'
    form = b'{"__type": "com.amazonaws#TransactionCanceledException", "CancellationReasons": %s}'
    return answer(request, 400, form % reasons)


def fail(request: Any) -> AWSResponse:
    """Answer that something has gone wrong inside."""
    return answer(request, 500, b'{"__type": "InternalServerError", "message": "oops"}')


def tear(request: Any) -> AWSResponse:
    """Answer with a body that breaks off."""
    torn = answer(request, 200, b'{"torn')
    torn.headers["Content-Length"] = "100"
    return torn


class _Body(BytesIO):
    """A body as botocore takes it from urllib3."""

    def stream(self) -> list[bytes]:
        return [self.read()]


def answer(request: Any, status: int, body: bytes) -> AWSResponse:
    """Answer in the place of the service."""
    headers = {"Content-Length": str(len(body))}
    return AWSResponse(request.url, status, headers, _Body(body))
