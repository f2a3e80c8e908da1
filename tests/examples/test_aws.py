"""The agents for AWS: their hosts are killed in the middle of an answer."""

import json
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
from tests.examples.programs import EXAMPLES, SAID, loaded
from tests.examples.serving import serving_the_app
from tests.functions.runtime import RuntimeApi, function_process
from tests.http.serving import wait_until

FOLDER = EXAMPLES / "aws"

Job = dict[str, str]


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
        events = list(client.streams.read(job["run_id"], "answer"))
    assert done == again == (job if wrap is dict else {"batchItemFailures": []})
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert "".join(event.get("delta", "") for event in events) == SAID


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
