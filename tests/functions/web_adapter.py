"""The Lambda Web Adapter, as it stands between Lambda and `functions/stream`.

What it does here is what its source says: aws/aws-lambda-web-adapter 1.0.0, `src/lib.rs`
(`fetch_response`), on aws/aws-lambda-rust-runtime, `lambda-runtime/src/requests.rs`
(`EventCompletionRequest::into_req`) and `types.rs` (`to_tailer`), the same in its 1.0.1 and 1.2.1:

- a connection of its own for each request, the body whole, and two headers that say what Lambda
  knows, whatever the client sent under their names;
- the head of an answer goes first, without `transfer-encoding`, and with a content type if there is
  none; then the body, piece by piece;
- a body that breaks off is *not* broken off: a text that tells so is sent as its last piece, and
  then it ends as if it were whole;
- where no head comes, the invocation has failed.
"""

import base64
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any, NamedTuple

ERROR_TYPE = b"Lambda-Runtime-Function-Error-Type: Runtime.StreamError\r\n"
"""How the text begins that stands in a body which broke off."""


class Failed(Exception):
    """The function gave no answer."""


class Late(Exception):
    """The function's time is up, and it has not ended its answer."""


class Request(NamedTuple):
    """A request as a gateway hands it over."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    context: Mapping[str, Any]
    """The gateway's own words about it."""


class Answer(NamedTuple):
    """An answer that is on its way; its pieces may raise `Late`."""

    status: int
    headers: list[tuple[str, str]]
    pieces: Iterator[bytes]


def hand_over(port: int, request: Request, deadline: float) -> Answer:
    """Return the answer of the application on *port*. Raises `Failed`, and `Late` once it is
    *deadline*, in seconds since 1970.
    """
    connection = HTTPConnection("127.0.0.1", port, timeout=_left(deadline))
    try:
        headers = _headers(request, deadline)
        connection.request(request.method, request.path, request.body or None, headers)
        response = connection.getresponse()
    except (HTTPException, OSError) as error:
        connection.close()
        raise (Late if isinstance(error, TimeoutError) else Failed) from error
    told = [(name.lower(), value) for name, value in response.getheaders()]
    told = [(name, value) for name, value in told if name != "transfer-encoding"]
    if "content-type" not in dict(told):
        told.append(("content-type", "application/octet-stream"))
    return Answer(response.status, told, _pieces(connection, response, deadline))


def _headers(request: Request, deadline: float) -> dict[str, str]:
    known = {"request_id": "invocation-1", "deadline": int(deadline * 1000)}
    length = {"content-length": str(len(request.body))} if request.body else {}
    return {
        **{name.lower(): value for name, value in request.headers.items()},
        **length,
        "x-amzn-lambda-context": json.dumps(known),
        "x-amzn-request-context": json.dumps(request.context),
    }


def _pieces(connection: HTTPConnection, response: HTTPResponse, deadline: float) -> Iterator[bytes]:
    with closing(connection):
        try:
            while piece := _next(connection, response, deadline):
                yield piece
        except TimeoutError:
            raise Late from None
        except (HTTPException, OSError) as error:
            told = base64.b64encode(repr(error).encode())
            yield ERROR_TYPE + b"Lambda-Runtime-Function-Error-Body: %b\r\n" % told


def _next(connection: HTTPConnection, response: HTTPResponse, deadline: float) -> bytes:
    assert connection.sock is not None or response.isclosed()
    if connection.sock is not None:
        connection.sock.settimeout(_left(deadline))
    return response.read1(65_536)


def _left(deadline: float) -> float:
    return max(deadline - time.time(), 0.001)
