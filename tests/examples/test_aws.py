"""The agents for AWS: their hosts are killed in the middle of an answer."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from runstreams import Client
from runstreams.testing import Server
from tests.ai.model_server import HELD, Model
from tests.emulators.process import free_port
from tests.examples.programs import EXAMPLES, SAID, loaded
from tests.examples.serving import serving_the_app
from tests.functions.runtime import ANSWER_SECONDS, RuntimeApi, function_process
from tests.http.serving import wait_until
from tests.serve.process import clean_environ

FOLDER = EXAMPLES / "aws"

Job = dict[str, str]

HANDED_OUT_AGAIN = {"batchItemFailures": [{"itemIdentifier": "1"}]}
"""What a function answers whose message is not to be deleted."""


def message(job: Job) -> dict[str, Any]:
    return {"Records": [{"messageId": "1", "body": json.dumps(job)}]}


@contextmanager
def function(module: str, environ: dict[str, str], log: Path) -> Iterator[tuple[RuntimeApi, Any]]:
    command = (sys.executable, "-m", "awslambdaric", f"{module}.handler")
    with (
        RuntimeApi().serving() as api,
        function_process(module, api, environ, log, command, FOLDER) as process,
    ):
        yield api, process


def read_so_far(client: Client, run_id: str) -> int:
    return sum(1 for _ in client.streams.read(run_id, "answer", timeout=0))


@pytest.mark.parametrize(("module", "wrap"), [("queue_worker", message), ("task", dict)])
def test_an_answer_is_gone_on_with_after_its_host_was_killed(
    runstreams_server: Server, model: Model, tmp_path: Path, module: str, wrap: Any
) -> None:
    job = {"run_id": f"run_of_{module}", "question": "To be?"}
    environ = runstreams_server.environ() | model.environ() | {"OPENAI_MODEL": "held"}
    with runstreams_server.client() as client:
        with function(module, environ, tmp_path / "log") as (api, process):
            api.submit(wrap(job))
            wait_until(lambda: read_so_far(client, job["run_id"]) == HELD)
            process.kill()
        model.go.set()
        with function(module, environ, tmp_path / "log") as (api, _):
            done = api.invoke(wrap(job))
            again = api.invoke(wrap(job))
        check_whole(client, job["run_id"])
    assert done == again == (job if wrap is dict else {"batchItemFailures": []})


def test_a_message_whose_answer_has_failed_is_never_called_answered(
    runstreams_server: Server, model: Model, tmp_path: Path
) -> None:
    nowhere = {"OPENAI_BASE_URL": f"{model.url}/nowhere"}
    environ = runstreams_server.environ() | model.environ() | nowhere
    asked = message({"run_id": "run_failed", "question": "To be?"})
    with function("queue_worker", environ, tmp_path / "log") as (api, _):
        assert [api.invoke(asked) for _ in range(2)] == [HANDED_OUT_AGAIN] * 2


def test_a_task_whose_model_has_failed_fails_again(
    runstreams_server: Server, model: Model, tmp_path: Path
) -> None:
    environ = runstreams_server.environ() | model.environ() | {"OPENAI_MODEL": "breaks"}
    job = {"run_id": "run_failed", "question": "To be?"}
    with function("task", environ, tmp_path / "log") as (api, _):
        outcomes = [api.submit(job).result(ANSWER_SECONDS) for _ in range(2)]
    assert [outcome.kind for outcome in outcomes] == ["error", "error"]
    assert [outcome.value["errorType"] for outcome in outcomes] == ["NotAnswered"] * 2
    assert "has ended as failed before" in outcomes[1].value["errorMessage"]


@pytest.mark.soak
def test_a_message_that_is_handed_out_twice_at_once_is_answered_once(
    runstreams_server: Server, model: Model, tmp_path: Path
) -> None:
    job = {"run_id": "run_twice", "question": "To be?"}
    environ = runstreams_server.environ() | model.environ() | {"OPENAI_MODEL": "held"}
    with (
        runstreams_server.client() as client,
        function("queue_worker", environ, tmp_path / "log") as (earlier, _),
        function("queue_worker", environ, tmp_path / "log") as (later, _),
    ):
        begun = earlier.submit(message(job))
        wait_until(lambda: read_so_far(client, job["run_id"]) == HELD)
        assert later.invoke(message(job)) == {"batchItemFailures": []}
        model.go.set()
        assert begun.result(ANSWER_SECONDS).value == HANDED_OUT_AGAIN
        check_whole(client, job["run_id"])


@pytest.mark.soak
def test_a_message_is_kept_by_whoever_is_followed_since_the_one_that_follows_may_die(
    runstreams_server: Server, model: Model, tmp_path: Path
) -> None:
    job = {"run_id": "run_followed", "question": "To be?"}
    environ = runstreams_server.environ() | model.environ() | {"OPENAI_MODEL": "held"}
    with (
        runstreams_server.client() as client,
        function("queue_worker", environ, tmp_path / "log") as (api, _),
    ):
        begun = api.submit(message(job))
        wait_until(lambda: read_so_far(client, job["run_id"]) == HELD)
        client.streams.take_over("answer", target=job["run_id"])._producer.abandon()
        model.go.set()
        assert begun.result(ANSWER_SECONDS).value == HANDED_OUT_AGAIN
        assert api.invoke(message(job)) == {"batchItemFailures": []}
        check_whole(client, job["run_id"])
    assert "FencedOff" in (tmp_path / "log").read_text()


def check_whole(client: Client, run_id: str) -> None:
    events = list(client.streams.read(run_id, "answer"))
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert "".join(event.get("delta", "") for event in events) == SAID


@contextmanager
def session(environ: dict[str, str]) -> Iterator[tuple[httpx.Client, Any]]:
    """Run the container's program until it is asked no more."""
    port = free_port()
    command = ("uvicorn", "--app-dir", str(FOLDER), "--port", str(port), "agentcore:app")
    env = clean_environ() | environ
    process = subprocess.Popen([sys.executable, "-m", *command], env=env)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as http:
            wait_until(lambda: is_healthy(http))
            yield http, process
    finally:
        process.kill()
        process.wait()


def is_healthy(http: httpx.Client) -> bool:
    try:
        return http.get("/ping").is_success
    except httpx.TransportError:
        return False


@pytest.mark.soak
def test_an_answer_is_gone_on_with_after_its_session_of_agentcore_was_killed(
    runstreams_server: Server, model: Model
) -> None:
    environ = runstreams_server.environ() | model.environ() | {"OPENAI_MODEL": "held"}
    question = {"prompt": "To be?"}
    with runstreams_server.client() as client:
        with session(environ) as (http, process):
            asked = http.post("/invocations", json=question).raise_for_status().json()
            wait_until(lambda: read_so_far(client, asked["run_id"]) == HELD)
            process.kill()
        model.go.set()
        with session(environ) as (http, _):
            again = http.post("/invocations", json=question | {"run_id": asked["run_id"]})
            check_whole(client, asked["run_id"])
    assert again.raise_for_status().json()["run_id"] == asked["run_id"]


def test_a_session_of_agentcore_is_busy_until_its_answer_is_whole(
    runstreams_client: Client, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_MODEL", "held")
    monkeypatch.syspath_prepend(FOLDER)
    with serving_the_app(loaded("aws/agentcore").app) as url, httpx.Client(base_url=url) as http:
        asked = http.post("/invocations", json={"prompt": "To be?"}).raise_for_status().json()
        reader = runstreams_client.streams.read(asked["run_id"], "answer")
        assert next(iter(reader))["type"] == "response.created"
        assert http.get("/ping").json()["status"] == "HealthyBusy"
        model.go.set()
        assert "".join(event.get("delta", "") for event in reader) == SAID
        wait_until(lambda: http.get("/ping").json()["status"] == "Healthy")
