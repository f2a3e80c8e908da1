"""The examples with models' own packages, at a model on this machine."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from runstreams import streams
from runstreams.errors import RolledBack
from runstreams.testing import Server
from tests.ai.agent import AG_UI, VERCEL_AI
from tests.ai.model_server import Model
from tests.examples.programs import EXAMPLES, SAID, loaded
from tests.examples.serving import serving_the_app
from tests.functions.runtime import ANSWER_SECONDS, RuntimeApi, function_process
from tests.serve.process import clean_environ


def read(run_id: str, key: str) -> list[Any]:
    return list(streams.read(run_id, key, timeout=60))


def text_of(chunks: list[Any]) -> str:
    return "".join(chunk.get("delta", "") for chunk in chunks)


@pytest.mark.usefixtures("runstreams_client", "model")
def test_an_answer_of_openai_outlives_the_request_that_has_begun_it() -> None:
    with serving_the_app(loaded("openai/background").app) as url:
        asked = httpx.post(f"{url}/questions", json={"text": "To be?"}).raise_for_status().json()
        chunks = read(asked["run"], "ui")
    assert text_of(chunks) == SAID
    assert chunks[-1] == {"type": "finish", "finishReason": "stop"}


@pytest.mark.usefixtures("runstreams_client", "model")
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_an_agent_of_pydantic_ai_answers_what_use_chat_sends() -> None:
    with serving_the_app(loaded("pydantic-ai/chat").app) as url:
        asked = httpx.post(f"{url}/chat", json=VERCEL_AI).raise_for_status().json()
        again = httpx.get(f"{url}/chat/chat/stream").raise_for_status().json()
        other = httpx.get(f"{url}/chat/other/stream")
        chunks = read(asked["run"], "ui")
    assert (again["run"], other.status_code) == (asked["run"], 204)
    assert chunks[0]["messageId"].startswith("msg_")
    (output,) = [each["output"] for each in chunks if each["type"] == "tool-output-available"]
    assert output["city"] == "Köln"
    assert text_of(chunks).endswith(SAID)
    assert chunks[-1] == {"type": "finish", "finishReason": "stop"}


def events(response: httpx.Response) -> list[Any]:
    lines = response.raise_for_status().text.splitlines()
    data = (line.removeprefix("data: ") for line in lines if line.startswith("data: "))
    return [json.loads(each) for each in data]


@pytest.mark.usefixtures("runstreams_client", "model")
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_a_client_of_ag_ui_gets_the_rest_and_begins_no_run_twice() -> None:
    with serving_the_app(loaded("ag-ui/endpoint").app) as url, httpx.Client(timeout=60) as http:
        whole = events(http.post(f"{url}/agent", json=AG_UI))
        rest = events(http.get(f"{url}/agent/run", headers={"Last-Event-ID": "4"}))
        again = events(http.post(f"{url}/agent", json=AG_UI))
    assert (whole[0]["type"], whole[-1]["type"]) == ("RUN_STARTED", "RUN_FINISHED")
    assert (rest, again) == (whole[5:], whole)


def environ(server: Server, model: Model) -> dict[str, str]:
    return clean_environ() | server.environ() | model.environ()


def ask(*arguments: str, env: dict[str, str]) -> list[str]:
    command = [sys.executable, str(EXAMPLES / "anthropic" / "ask.py"), *arguments]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_worker_answers_by_anthropic_whether_it_was_there_or_not(
    runstreams_server: Server, model: Model
) -> None:
    env = environ(runstreams_server, model)
    with runstreams_server.client() as client:
        job = {"run_id": "run_before", "question": "Who is there?"}
        client.streams.append("questions", job, target="inbox")
    worker = subprocess.Popen([sys.executable, str(EXAMPLES / "anthropic" / "worker.py")], env=env)
    try:
        assert ask("--again", "run_before", env=env) == ["(run_before)", SAID]
        assert ask("To", "be?", env=env)[1:] == [SAID]
    finally:
        worker.kill()
        worker.wait()


@contextmanager
def graph_function(env: dict[str, str], log: Path) -> Iterator[tuple[RuntimeApi, Any]]:
    command = (sys.executable, "-m", "awslambdaric", "function.handler")
    with (
        RuntimeApi().serving() as api,
        function_process("agent", api, env, log, command, EXAMPLES / "langgraph") as process,
    ):
        yield api, process


def words_of(updates: list[Any]) -> str:
    return "".join(data[0]["content"] for mode, data in updates if mode == "messages")


def test_a_function_streams_its_graph_and_does_not_do_so_twice(
    runstreams_server: Server, model: Model, tmp_path: Path
) -> None:
    env = runstreams_server.environ() | model.environ()
    event = {"run_id": "run_function", "question": "How warm is it?"}
    with graph_function(env, tmp_path / "log") as (api, _):
        assert api.invoke(event) == "done"
        assert api.invoke(event) == "done before"
    with runstreams_server.client() as client:
        updates = list(client.streams.read("run_function", "updates"))
        progress = list(client.streams.read("run_function", "progress"))
    assert words_of(updates).endswith(SAID)
    assert progress == ["looking at Köln"]


@pytest.mark.soak
def test_a_graph_whose_function_was_killed_is_begun_anew_and_seen_once(
    runstreams_server: Server, model: Model, tmp_path: Path
) -> None:
    env = runstreams_server.environ() | model.environ() | {"OPENAI_MODEL": "held"}
    event = {"run_id": "run_killed", "question": "To be?"}
    with runstreams_server.client() as client:
        reader = client.streams.read("run_killed", "updates")
        with graph_function(env, tmp_path / "log") as (api, process):
            api.submit(event)
            before = [next(reader)]
            process.kill()
        model.go.set()
        with graph_function(env, tmp_path / "log") as (api, _):
            assert api.invoke(event) == "done"
        with pytest.raises(RolledBack) as rolled_back:
            before.extend(reader)
        assert rolled_back.value.kept == 0
        assert words_of(list(reader)) == SAID
        stored = list(client.streams.read("run_killed", "updates", superseded="keep"))
    assert words_of(stored) == words_of(before) + SAID


def test_a_graph_that_has_failed_is_not_called_done_by_the_next_attempt(
    runstreams_server: Server, model: Model, tmp_path: Path
) -> None:
    nowhere = {"OPENAI_BASE_URL": f"{model.url}/nowhere"}
    event = {"run_id": "run_failed", "question": "To be?"}
    with graph_function(
        runstreams_server.environ() | model.environ() | nowhere, tmp_path / "log"
    ) as (api, _):
        outcomes = [api.submit(event).result(ANSWER_SECONDS) for _ in range(2)]
    assert [outcome.kind for outcome in outcomes] == ["error", "error"]
    assert "has ended as failed" in outcomes[1].value["errorMessage"]
