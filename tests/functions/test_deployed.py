"""The template deployed by `sam deploy`, and used through its HTTP API: with MiniStack in the place
of AWS, so that routes, layers, roles' shapes and outputs are those of a real deployment.
"""

import json
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from typing import Any, NamedTuple

import boto3
import pytest

from tests.conftest import MISSING, give_up
from tests.emulators.ministack import command, ministack
from tests.functions.handlers import ENVIRONMENT
from tests.functions.sam import build, deploy

SECRET = ENVIRONMENT["RUNSTREAMS_SECRET_KEY"]
STREAM = "/realtime/v1/streams/run_1/self/tokens"
PAGE = "/realtime/v1/streams/run_1/tokens"

pytestmark = [pytest.mark.soak, pytest.mark.needs("sam", "ministack"), pytest.mark.timeout(400)]


class Answer(NamedTuple):
    """What the gateway answered."""

    status: int
    headers: dict[str, str]
    body: Any


class Deployed:
    """The API that the stack's output names."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        stacks = self.client("cloudformation").describe_stacks(StackName="runstreams")["Stacks"]
        self.outputs = {each["OutputKey"]: each["OutputValue"] for each in stacks[0]["Outputs"]}

    def client(self, service: Any) -> Any:
        """Return a client of the emulated *service*."""
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id="none",
            aws_secret_access_key="none",
        )

    def ask(self, method: str, path: str, body: str | None = None, **headers: str) -> Answer:
        """Send a request to the API; underscores in the names of *headers* are hyphens."""
        connection = HTTPConnection(self.endpoint.removeprefix("http://"), timeout=60)
        sent = {
            "Host": self.outputs["ApiUrl"].removeprefix("http://"),
            "Authorization": f"Bearer {SECRET}",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        connection.request(method, path, body and body.encode(), sent)
        response = connection.getresponse()
        text = response.read()
        connection.close()
        known = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, known, json.loads(text) if text else None)


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    start = command()
    assert start is not None
    # Both run inside of MiniStack: the template's transform, and the functions.
    check = [start.parent / "python", "-c", "import boto3, samtranslator"]
    if subprocess.run(check, capture_output=True).returncode:
        give_up(f"aws-sam-translator {MISSING}")
    built = build(tmp_path_factory.mktemp("build"))
    with ministack() as endpoint:
        deploy(built, endpoint, SECRET)
        yield Deployed(endpoint)


def test_streams_are_written_read_listed_and_deleted(deployed: Deployed) -> None:
    assert deployed.ask("PUT", STREAM).status == 202
    text = '"Hello"\n" wörld"\n'
    for kind in ("json", "x-ndjson"):  # the gateway passes the one on as text, the other as base64
        headers = {"Content_Type": f"application/{kind}", "X_Client_Id": kind}
        assert deployed.ask("POST", STREAM, text, **headers).status == 200
    last = deployed.ask("HEAD", STREAM, X_Client_Id="json").headers["x-last-chunk-index"]
    assert last == "1"
    page = deployed.ask("GET", PAGE + "?start=1&limit=2").body
    assert [chunk["data"] for chunk in page["chunks"]] == [" wörld", "Hello"]
    assert deployed.ask("POST", STREAM + "/close", '{"status": "completed"}').status == 200
    [stream] = deployed.ask("GET", "/api/v1/runs/run_1/streams").body["streams"]
    assert (stream["tail"], stream["closed"]["status"]) == (4, "completed")
    assert deployed.ask("DELETE", "/api/v1/runs/run_1").body == {"streams": 1}
    assert deployed.ask("GET", PAGE + "?wait=0").body["tail"] == 0


def test_concurrent_appends_all_get_an_index_of_their_own(deployed: Deployed) -> None:
    def append(number: int) -> Any:
        path = "/realtime/v1/streams/run_2/self/tokens/append"
        return deployed.ask("POST", path, str(number)).body["index"]

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(append, range(40))) == list(range(40))


def test_errors_are_the_applications(deployed: Deployed) -> None:
    wrong = deployed.ask("GET", STREAM)
    assert (wrong.status, wrong.body["error"]["code"]) == (405, "method_not_allowed")
    unknown = deployed.ask("GET", "/nowhere")
    assert (unknown.status, unknown.body["error"]["code"]) == (404, "not_found")
    assert unknown.headers["access-control-allow-origin"] == "*"
