"""The functions as Lambda runs them: real processes on AWS's own runtime client, with true
deadlines, against an emulated S3 and DynamoDB.
"""

import json
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.emulators.place import Place, fresh_place, session
from tests.functions.handlers import ENVIRONMENT, event
from tests.functions.runtime import ANSWER_SECONDS, RuntimeApi, function_process

Start = Callable[..., RuntimeApi]


@pytest.fixture(scope="module")
def place(quick_aws_endpoint: str) -> Place:
    return fresh_place(quick_aws_endpoint)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where all processes print."""
    return tmp_path_factory.mktemp("functions") / "log"


@pytest.fixture(scope="module")
def start(place: Place, log: Path) -> Iterator[Start]:
    """Starts a process of a function, and returns what hands it its events."""
    with ExitStack() as stack:

        def start(name: str, log: Path = log, **environment: str) -> RuntimeApi:
            api = stack.enter_context(RuntimeApi().serving())
            secret = ENVIRONMENT["RUNSTREAMS_SECRET_KEY"]
            known = {**place.environment(), "RUNSTREAMS_SECRET_KEY": secret}
            stack.enter_context(function_process(name, api, known | environment, log))
            return api

        yield start


@pytest.fixture(scope="module")
def append(start: Start) -> RuntimeApi:
    return start("append")


@pytest.fixture(scope="module")
def read(start: Start) -> RuntimeApi:
    return start("read")


@pytest.fixture
def run() -> str:
    return f"run_{uuid4().hex}"


def _body(answer: Any) -> Any:
    assert answer["statusCode"] == 200, answer
    return json.loads(answer["body"])


def test_one_process_appends_and_another_reads(
    append: RuntimeApi, read: RuntimeApi, run: str
) -> None:
    assert append.invoke(event("write", run=run))["headers"]["x-last-index"] == "2"
    page = _body(read.invoke(event("read", run=run, query="start=0&wait=0")))
    assert [chunk["data"] for chunk in page["chunks"]] == ["Hello", " wörld", {"done": True}]


def test_a_waiting_reader_gets_what_another_process_appends(
    append: RuntimeApi, read: RuntimeApi, run: str
) -> None:
    waiting = read.submit(event("read", run=run, query="wait=20"))
    append.invoke(event("write", run=run))
    page = _body(waiting.result(ANSWER_SECONDS).value)
    assert page["next_index"] == 3


def test_a_long_poll_ends_by_the_functions_deadline(read: RuntimeApi, run: str) -> None:
    """25 s are asked for; Lambda would end the process after 4."""
    deadline = time.time() + 4
    page = _body(read.invoke(event("read", run=run, query="wait=25"), seconds=4))
    assert page["chunks"] == []
    assert time.time() < deadline


def test_half_a_request_fails_and_the_next_request_does_not(read: RuntimeApi, run: str) -> None:
    outcome = read.submit({"requestContext": {"http": {}}}).result(ANSWER_SECONDS)
    assert (outcome.kind, outcome.value["errorType"]) == ("error", "RuntimeError")
    assert _body(read.invoke(event("read", run=run, query="wait=0")))["tail"] == 0


def test_two_processes_of_one_function_never_give_the_same_index(
    append: RuntimeApi, start: Start, run: str
) -> None:
    def write(api: RuntimeApi, client: str) -> list[int]:
        asked = [
            event("write", run=run, body="1\n", x_client_id=client, x_resume_from_chunk=str(number))
            for number in range(20)
        ]
        return [int(api.invoke(each)["headers"]["x-last-index"]) for each in asked]

    with ThreadPoolExecutor(2) as pool:
        given = pool.map(write, (append, start("append")), ("one", "two"))
    assert sorted(index for indexes in given for index in indexes) == list(range(40))


def test_a_function_reads_its_key_from_secrets_manager(
    start: Start, place: Place, run: str, tmp_path: Path
) -> None:
    """Both its own way there and the event's key are those of a deployment."""
    secrets = session().create_client("secretsmanager", endpoint_url=place.endpoint)
    key = ENVIRONMENT["RUNSTREAMS_SECRET_KEY"]
    name = secrets.create_secret(Name=run, SecretString=key)["ARN"]
    log = tmp_path / "log"
    api = start("append", log=log, RUNSTREAMS_SECRET_KEY="", RUNSTREAMS_SECRET_ARN=name)
    assert api.invoke(event("write", run=run))["statusCode"] == 200
    wrong = event("write", run=run, authorization="Bearer another-key")
    assert api.invoke(wrong)["statusCode"] == 401
    assert key not in log.read_text()


def test_a_function_that_may_not_read_its_key_answers_503_and_says_why(
    start: Start, run: str, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    api = start("append", log=log, RUNSTREAMS_SECRET_KEY="", RUNSTREAMS_SECRET_ARN="nowhere")
    answer = api.invoke(event("write", run=run))
    assert (answer["statusCode"], answer["headers"]["retry-after"]) == (503, "5")
    assert "cannot be read from nowhere" in log.read_text()


def test_who_asks_for_an_event_stream_at_the_wrong_door_is_told_the_right_one(
    start: Start, run: str
) -> None:
    door = "https://id.execute-api.us-east-1.amazonaws.com/live"
    api = start("read", RUNSTREAMS_STREAMING_URL=door)
    answer = api.invoke(event("read-event-stream", run=run))
    assert (answer["statusCode"], json.loads(answer["body"])["error"]["url"]) == (422, door)


def test_a_function_without_its_settings_says_which_one_is_missing(start: Start) -> None:
    api = start("manage", RUNSTREAMS_TABLE="")
    error = api.init_errors.get(timeout=ANSWER_SECONDS)
    assert error["errorType"] == "SettingMissing"
    assert "RUNSTREAMS_TABLE" in error["errorMessage"]


def test_a_function_refuses_a_limit_that_makes_no_sense(start: Start) -> None:
    api = start("append", RUNSTREAMS_RETENTION_DAYS="0")
    error = api.init_errors.get(timeout=ANSWER_SECONDS)
    assert error["errorMessage"] == "RUNSTREAMS_RETENTION_DAYS: 0 is not between 0.001 and 36500"


def test_a_traced_function_tells_of_its_calls_and_of_no_chunk(start: Start, run: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daemon:
        daemon.bind(("127.0.0.1", 0))
        daemon.settimeout(ANSWER_SECONDS)
        address = f"127.0.0.1:{daemon.getsockname()[1]}"
        api = start("append", RUNSTREAMS_TRACING="on", AWS_XRAY_DAEMON_ADDRESS=address)
        assert api.invoke(event("write", run=run))["statusCode"] == 200
        told = ""
        while "dynamodb" not in told or "## handle" not in told:
            told += daemon.recv(65536).decode()
    assert "wörld" not in told


def test_each_process_counts_its_cold_start_once(start: Start, run: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    api = start("append", log=log)
    for _ in range(2):
        api.invoke(event("write", run=run))
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert sum("ColdStart" in line for line in lines) == 1
    assert sum("Requests" in line for line in lines) == 2
    assert [line["cold_start"] for line in lines if "message" in line] == [True, False]
