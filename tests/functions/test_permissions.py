"""Each function does everything it has to with what its role allows, and needs all of that.

The emulator asks nobody for permission, so the calls are recorded and held against the template.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.client import BaseClient

from runstreams import Client
from runstreams.core import deleting, leasing
from runstreams.sdk.transports.direct import DirectTransport
from runstreams.wiring import open_log
from tests.emulators.place import Place
from tests.functions.handlers import FUNCTIONS, TOO_LARGE_FOR_THE_HEAD, Functions, event
from tests.functions.template import allowed, allowed_by, resource, statements

ACTIONS = {
    "DeleteObjects": "s3:DeleteObject",
    "GetBucketTagging": "s3:GetBucketTagging",
    "GetObject": "s3:GetObject",
    "ListObjectsV2": "s3:ListBucket",
    "PutObject": "s3:PutObject",
}
"""What S3 calls the permission for a request; with DynamoDB it is the request's name."""

Asked = set[tuple[str, str]]


class Recorder:
    """Which actions each function has taken, and on what."""

    def __init__(self, functions: Functions) -> None:
        self.asked: dict[str, Asked] = {name: set() for name in FUNCTIONS}
        self.updates: dict[str, list[dict[str, Any]]] = {name: [] for name in FUNCTIONS}
        self._functions = functions
        self._busy = ""

    def send(self, name: str, refused: int | None = None, **changes: Any) -> None:
        """Send an event, and note what its function does meanwhile; it may be *refused*."""
        sent = event(name, **changes)
        self._busy = self._functions.name_of(sent)
        answer = self._functions.send(sent)
        assert answer["statusCode"] in ([refused] if refused else range(200, 300)), answer

    def note(self, operation: str, arguments: dict[str, Any]) -> None:
        """Note one request."""
        self.asked[self._busy].update(_asked(operation, arguments))
        if operation == "UpdateItem":
            self.updates[self._busy].append(arguments)


def _asked(operation: str, arguments: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if operation == "TransactWriteItems":
        for write in arguments["TransactItems"]:
            for verb in write:
                yield f"dynamodb:{verb}Item", "Table.Arn"
    elif operation not in ACTIONS:
        index = arguments.get("IndexName")
        yield f"dynamodb:{operation}", f"${{Table.Arn}}/index/{index}" if index else "Table.Arn"
    elif operation in ("ListObjectsV2", "GetBucketTagging"):
        yield ACTIONS[operation], "Bucket.Arn"
    else:
        deleted = [each["Key"] for each in arguments.get("Delete", {}).get("Objects", [])]
        for key in deleted or [arguments["Key"]]:
            yield ACTIONS[operation], f"${{Bucket.Arn}}/{key[:2]}*"


@pytest.fixture
def recorder(functions: Functions, monkeypatch: pytest.MonkeyPatch) -> Recorder:
    recorder = Recorder(functions)
    call = BaseClient._make_api_call

    def recorded(self: BaseClient, operation: str, arguments: dict[str, Any]) -> Any:
        recorder.note(operation, arguments)
        return call(self, operation, arguments)

    monkeypatch.setattr(BaseClient, "_make_api_call", recorded)
    return recorder


@pytest.fixture
def broken_promises(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every producer be taken for lost at once that has promised anything."""
    monkeypatch.setattr(leasing, "LEASE_GRACE_MS", -3600_000)


def _lose_and_read(recorder: Recorder, run: str) -> None:
    recorder.send("write", run=run, x_client_id="w", x_lease_seconds="60")
    recorder.send("read", run=run, query="start=tail&wait=0")


def _renew_and_read(recorder: Recorder, run: str) -> None:
    recorder.send("durable-create", run=run)
    recorder.send("durable-append", run=run)
    recorder.send("durable-read", run=run)


def _fork_and_forget(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fork a fork, delete the first, and once more, then create it anew, when the second is
    forgotten.
    """
    recorder.send("durable-create", run="source")
    recorder.send("durable-append", run="source")
    recorder.send("durable-create", run="fork", stream_forked_from="/v1/stream/source/words")
    recorder.send("durable-create", run="twig", stream_forked_from="/v1/stream/fork/words")
    recorder.send("durable-delete", run="fork")
    recorder.send("durable-append", run="fork", refused=410)
    recorder.send("durable-describe", run="fork", refused=410)
    monkeypatch.setattr(deleting, "FORGOTTEN_MS", -(10**12))
    recorder.send("durable-delete", run="fork", refused=404)
    recorder.send("durable-create", run="fork")


@pytest.mark.usefixtures("broken_promises")
def test_of_a_head_the_read_function_touches_what_its_role_names(recorder: Recorder) -> None:
    _lose_and_read(recorder, "run_1")
    _renew_and_read(recorder, "run_2")
    [condition] = (each["Condition"] for each in statements("ReadFunction") if "Condition" in each)
    named = condition.pop("ForAllValues:StringEquals")["dynamodb:Attributes"]
    losing, renewing = (
        {*each["Key"], *each["ExpressionAttributeNames"].values()}
        for each in recorder.updates["read"]
    )
    assert renewing < losing == set(named)
    for update in recorder.updates["read"]:
        returned = {"dynamodb:ReturnValues": update["ReturnValues"]}
        assert condition == {"StringEqualsIfExists": returned}
        assert update["ReturnValuesOnConditionCheckFailure"] == "NONE"


@pytest.mark.usefixtures("broken_promises")
def test_roles_allow_exactly_what_the_functions_do(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("register-run", "create", "write", "write", "last-chunk", "append"):
        recorder.send(name)
    recorder.send("append-to-parent")
    # So many writers that the head moves some of them out.
    for number in range(96):
        recorder.send("write", body=TOO_LARGE_FOR_THE_HEAD, x_client_id=f"w{number}")
    recorder.send("write", body=TOO_LARGE_FOR_THE_HEAD, x_client_id="w0")
    recorder.send("read", query="start=0&wait=0")
    recorder.send("read", query="start=tail&wait=0")
    recorder.send("follow-run")
    for name in ("stop", "stop-by-name", "list-runs", "list-streams", "describe-run"):
        recorder.send(name)
    recorder.send("describe-stream")
    recorder.send("take-over")
    recorder.send("close")
    # One segment, and what completing the run seals and merges with it.
    for number in range(17):
        recorder.send("write", body=TOO_LARGE_FOR_THE_HEAD, run="run_2", x_client_id=f"w{number}")
    recorder.send("complete-run", run="run_2")
    recorder.send("delete-stream")
    recorder.send("write", body=TOO_LARGE_FOR_THE_HEAD, run="run_3")
    recorder.send("delete-run", run="run_3")
    _lose_and_read(recorder, "run_4")
    _renew_and_read(recorder, "run_5")
    recorder.send("durable-describe", run="run_5")
    recorder.send("durable-delete", run="run_5")
    _fork_and_forget(recorder, monkeypatch)
    for name in FUNCTIONS:
        # They have their key from the environment here; test_runtime.py has it read.
        asked = recorder.asked[name] | {("secretsmanager:GetSecretValue", "Secret")}
        assert sorted(asked) == sorted(_pairs(f"{name.capitalize()}Function"))


def test_the_producers_policy_allows_exactly_what_a_direct_producer_does(
    quick_aws_place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It asks for the limits, writes, seals, follows and closes; in turn, so that nothing is left
    out because something else was faster.
    """
    asked: Asked = set()
    call = BaseClient._make_api_call

    def recorded(self: BaseClient, operation: str, arguments: dict[str, Any]) -> Any:
        asked.update(_asked(operation, arguments))
        return call(self, operation, arguments)

    store = quick_aws_place.store()
    monkeypatch.setattr(BaseClient, "_make_api_call", recorded)
    store.told()
    log = open_log(store, background=False)
    with Client(transport=lambda: DirectTransport(log)) as client:
        with client.streams.run("run_1", parent="run_0"):
            client.streams.pipe("words", range(1000)).wait_until_complete()
            for number in range(33):
                client.streams.append("logs", number)
            client.streams.close("logs")
        assert list(client.streams.read("run_1", "logs")) == list(range(33))
    policy = resource("ProducerPolicy")["PolicyDocument"]["Statement"]
    allowed = allowed_by(policy).items()
    assert asked == {(action, place) for action, places in allowed for place in places}


def _pairs(name: str) -> Asked:
    return {(action, place) for action, places in allowed(name).items() for place in places}
