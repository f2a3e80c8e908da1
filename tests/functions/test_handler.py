"""What only Lambda asks of the API: sizes, deadlines, freezing, and what stands in the log."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from starlette.types import Receive, Scope, Send

from runstreams.aws_lambda.handler import Settled
from runstreams.core.limits import CHUNK_BYTES, LAMBDA_BODY_BYTES
from runstreams.costs.bill import LOG_LINE_BYTES
from tests.functions.handlers import (
    ENVIRONMENT,
    FUNCTIONS,
    TOO_LARGE_FOR_THE_HEAD,
    Context,
    Functions,
    event,
)
from tests.tools import ROOT

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

RESPONSE_BYTES = 6 * 1024 * 1024
"""Most that Lambda lets a function return."""


def _read(functions: Functions, query: str, context: Context | None = None) -> Any:
    answer = functions.send(event("read", query=query), context)
    assert answer["statusCode"] == 200, answer
    return json.loads(answer["body"])


Printed = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Printed:
    """What the functions have written into their log since the last call."""
    return lambda: [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize(
    "chunk",
    [
        pytest.param('"' + '\\"' * (CHUNK_BYTES // 2 - 1) + '"', id="one chunk of quotes"),
        pytest.param('"' + '\\"' * 200 + '"', id="many chunks of quotes"),
        pytest.param('"' + "é" * 400 + '"', id="many chunks beyond ASCII"),
        pytest.param("1", id="very many tiny chunks"),
    ],
)
def test_a_page_fits_into_lambdas_response(functions: Functions, chunk: str) -> None:
    body = (chunk + "\n") * min(3_000_000 // len(chunk.encode()), 12_000)
    for client in ("c1", "c2"):
        assert functions.send(event("write", body=body, x_client_id=client))["statusCode"] == 200
    page = functions.send(event("read", query="limit=10000&wait=0"))
    assert page["statusCode"] == 200
    assert len(json.dumps(page)) < RESPONSE_BYTES


def test_a_body_beyond_the_limit_is_refused_and_nothing_of_it_kept(functions: Functions) -> None:
    line = '"' + "x" * 1021 + '"\n'
    body = line * (LAMBDA_BODY_BYTES // len(line) + 1)
    answer = functions.send(event("write", body=body))
    assert answer["statusCode"] == 413
    assert json.loads(answer["body"])["error"]["limit"] == LAMBDA_BODY_BYTES
    assert _read(functions, "wait=0")["tail"] == 0


@pytest.mark.parametrize("name", ["write", "append"])
def test_a_writer_is_advised_to_gather_chunks(functions: Functions, name: str) -> None:
    """Each append is paid for."""
    assert functions.send(event(name))["headers"]["x-stream-linger-ms"] == "250"


def test_a_wait_ends_before_the_functions_time_does(functions: Functions) -> None:
    """25 s are asked for, and there are 2.5."""
    context = Context(2.5)
    assert _read(functions, "wait=25", context)["chunks"] == []
    assert context.get_remaining_time_in_millis() > 0


def test_a_poll_leaves_nothing_running(functions: Functions) -> None:
    assert _read(functions, "wait=0.3")["chunks"] == []
    assert asyncio.all_tasks(functions.loops["read"]) == set()


async def test_what_an_application_leaves_running_ends_with_its_answer() -> None:
    left: list[asyncio.Task[None]] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        left.append(asyncio.create_task(asyncio.sleep(3600)))

    await Settled(app)({}, None, None)  # type: ignore[arg-type]
    assert left[0].cancelled()


def test_a_function_answers_again_and_again_on_one_event_loop(functions: Functions) -> None:
    """The store's threads and locks belong to a loop, so a fresh one each time would fail."""
    functions.send(event("write"))
    before = functions.loops["read"]
    pages = [_read(functions, f"start=0&wait=0.1&limit={limit}") for limit in (1, 2, 3)]
    assert [len(page["chunks"]) for page in pages] == [1, 2, 3]
    assert asyncio.get_event_loop_policy().get_event_loop() is before


@pytest.mark.parametrize(("seconds_left", "sealed"), [(29, True), (2, False)])
def test_appends_seal_when_there_is_time(
    functions: Functions, s3: "S3Client", seconds_left: float, sealed: bool
) -> None:
    for number in range(16):
        functions.send(event("write", x_resume_from_chunk=str(3 * number)), Context(seconds_left))
    segments = s3.list_objects_v2(Bucket=ENVIRONMENT["RUNSTREAMS_BUCKET"], Prefix="s/")
    assert bool(segments["KeyCount"]) is sealed
    assert len(_read(functions, "start=0&wait=0")["chunks"]) == 48


def test_an_append_is_counted_once(functions: Functions, printed: Printed) -> None:
    functions.send(event("write"))
    functions.send(event("write"))
    first, again = (line for line in printed() if "Requests" in line)
    size = len('"Hello"" wörld"{"done": true}'.encode())
    assert (first["Appends"], first["Chunks"], first["Bytes"]) == ([1], [3], [size])
    assert first["service"] == "append"
    assert "Appends" not in again
    assert again["Failures"] == [0]


def test_a_request_writes_as_much_into_the_log_as_the_bill_says(
    functions: Functions, capsys: pytest.CaptureFixture[str]
) -> None:
    """Lambda adds about 300 bytes of its own."""
    functions.send(event("write"))
    capsys.readouterr()
    functions.send(event("write", x_resume_from_chunk="3"))
    functions.send(event("read", query="start=0&wait=0"))
    each = len(capsys.readouterr().out.encode()) / 2 + 300
    assert each == pytest.approx(LOG_LINE_BYTES, rel=0.25)


def test_a_poll_tells_how_long_it_waited_and_how_often_it_looked(
    functions: Functions, printed: Printed
) -> None:
    _read(functions, "wait=0.3")
    [measured] = (line for line in printed() if "Requests" in line)
    assert measured["service"] == "read"
    assert measured["WaitTime"][0] > 0
    assert measured["HeadPolls"][0] > 0


def test_the_append_that_seals_tells_how_long_it_took(
    functions: Functions, printed: Printed
) -> None:
    for number in range(16):
        functions.send(event("write", x_resume_from_chunk=str(3 * number)))
    measured = [line for line in printed() if "Requests" in line]
    assert ["SealingTime" in line for line in measured] == [False] * 15 + [True]
    assert all(line["AppendLatency"][0] > 0 for line in measured)


def test_a_log_line_names_the_request_and_no_secret(functions: Functions, printed: Printed) -> None:
    for name in ("write-bad-line", "write", "read", "read-with-token", "read-with-bad-token"):
        functions.send(event(name))
    lines = printed()
    access = [line for line in lines if "message" in line]
    assert [line["correlation_id"] for line in access] == [
        "request-write-bad-line",
        "request-write",
        "request-read",
        "request-read-with-token",
        "request-read-with-bad-token",
    ]
    everything = json.dumps(lines)
    token = event("read-with-token")["headers"]["authorization"].removeprefix("Bearer ")
    for secret in (
        ENVIRONMENT["RUNSTREAMS_SECRET_KEY"],
        token,
        token.split(".")[2],
        "Hello",
        "torn",
    ):
        assert secret not in everything


def test_a_failure_is_counted_and_logged(
    functions: Functions, s3: "S3Client", printed: Printed
) -> None:
    s3.delete_bucket(Bucket=ENVIRONMENT["RUNSTREAMS_BUCKET"])
    answer = functions.send(event("write", body=TOO_LARGE_FOR_THE_HEAD))
    assert (answer["statusCode"], answer["headers"]["retry-after"]) == (503, "30")
    assert "NoSuchBucket" not in answer["body"]
    lines = printed()
    assert [line["Failures"] for line in lines if "Failures" in line] == [[1]]
    error = next(line for line in lines if line.get("level") == "ERROR")
    assert "NoSuchBucket" in error["message"]
    assert error["correlation_id"] in answer["body"]
    assert (error["run"], error["key"]) == ("run_1", "tokens")


def test_a_table_that_is_missing_is_the_same_to_readers(
    functions: Functions, dynamodb: "DynamoDBClient", printed: Printed
) -> None:
    dynamodb.delete_table(TableName=ENVIRONMENT["RUNSTREAMS_TABLE"])
    for name in ("read", "write", "describe-stream"):
        answer = functions.send(event(name))
        assert (answer["statusCode"], answer["headers"]["retry-after"]) == (503, "30")
        assert any("ResourceNotFoundException" in line.get("message", "") for line in printed())


NOT_NEEDED = (
    "aws_lambda_powertools.utilities.parameters",
    "aws_xray_sdk",
    "jwt",
    "runstreams.costs",
    "runstreams.aws_lambda.web",
    "runstreams.serve",
    "s3transfer",
    "sqlite3",
    "uvicorn",
)
"""What costs time to import and does nothing in a function; tokens bring jwt when one comes."""


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_imports_only_what_it_needs(name: str) -> None:
    assert _loaded(name) & set(NOT_NEEDED) == set()


@pytest.mark.parametrize("name", ["append", "read"])
def test_what_carries_chunks_does_without_fastapi(name: str) -> None:
    """It would be a third of the start."""
    assert _loaded(name) & {"fastapi", "pydantic", "opentelemetry"} == set()


def test_what_has_typed_routes_builds_no_model_of_openapi() -> None:
    build = "from fastapi.openapi.models import OpenAPI; assert not OpenAPI.__pydantic_complete__"
    assert "fastapi" in _loaded("manage", then=build)


def test_tracing_is_imported_when_it_is_switched_on() -> None:
    assert "aws_xray_sdk" in _loaded("read", RUNSTREAMS_TRACING="on")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RUNSTREAMS_PREVIOUS_KEY_DAYS", "nan"),
        ("RUNSTREAMS_ORIGIN_SECRET", "short"),
        ("RUNSTREAMS_SPREAD", "of"),
        ("RUNSTREAMS_TRACING", "maybe"),
    ],
)
def test_a_setting_that_makes_no_sense_is_named_at_the_start(name: str, value: str) -> None:
    secret = {"RUNSTREAMS_SECRET_KEY": "", "RUNSTREAMS_SECRET_ARN": "arn"}
    with pytest.raises(subprocess.CalledProcessError) as caught:
        _loaded("read", **secret, **{name: value})
    assert f"ValueError: {name}: " in caught.value.stderr


def _loaded(name: str, then: str = "", **environment: str) -> set[str]:
    """Return the modules that a fresh process has when it has imported a function, which looks for
    garbage again by then; it does *then* first.
    """
    code = f"import app, gc, sys; assert gc.isenabled(); {then}\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT / "functions" / name,
        env=ENVIRONMENT | environment | {"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


NO_REQUESTS: list[Any] = [
    {},
    {"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}},
    {"source": "serverless-plugin-warmup"},
    {"key1": "value1"},
    {"requestContext": None},
    {"version": "1.0", "requestContext": {"condition": "RetriesExhausted"}, "requestPayload": {}},
    {"requestContext": {"eventType": "CONNECT", "connectionId": "a"}, "isBase64Encoded": False},
    [],
    None,
]


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("told", NO_REQUESTS, ids=str)
def test_an_event_that_is_no_request_only_keeps_the_function_warm(
    functions: Functions, printed: Printed, function: str, told: Any
) -> None:
    assert functions.modules[function].handler(told, Context()) == {}
    [line] = printed()
    assert (line["level"], "no request" in line["message"]) == ("INFO", True)
    assert "route" not in line


def test_a_request_of_a_rest_api_has_its_own_name_for_the_route(
    functions: Functions, printed: Printed
) -> None:
    """There it is a resource."""
    told = event("read", query="wait=0")
    context = {
        "requestId": "id",
        "identity": {"sourceIp": "127.0.0.1"},
        "httpMethod": "GET",
        "path": told["rawPath"],
    }
    rest = {
        "resource": "/{proxy+}",
        "path": told["rawPath"],
        "httpMethod": "GET",
        "headers": told["headers"],
        "multiValueHeaders": {name: [value] for name, value in told["headers"].items()},
        "queryStringParameters": {"wait": "0"},
        "multiValueQueryStringParameters": {"wait": ["0"]},
        "pathParameters": None,
        "requestContext": context,
        "body": None,
        "isBase64Encoded": False,
    }
    assert functions.modules["read"].handler(rest, Context())["statusCode"] == 200
    assert any(line.get("route") == "/{proxy+}" for line in printed())
