"""The examples with models' own packages, at a model on this machine."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from runstreams import streams
from runstreams.testing import Server
from tests.ai.agent import AG_UI, VERCEL_AI
from tests.ai.model_server import Model
from tests.examples.programs import EXAMPLES, SAID, loaded
from tests.examples.serving import serving_the_app
from tests.functions.runtime import RuntimeApi, function_process
from tests.serve.process import clean_environ


def read(run_id: str, key: str) -> list[Any]:
    return list(streams.read(run_id, key, timeout=60))


def text_of(chunks: list[Any]) -> str:
    return "".join(chunk.get("delta", "") for chunk in chunks)


@pytest.mark.usefixtures("runstreams_client", "model")
def test_an_answer_of_openai_outlives_the_request_that_has_begun_it() -> None:
    with serving_the_app(loaded("openai/background").app) as url:
        asked = httpx.post(f"{url}/questions", json={"text": "To be?"}).raise_for_status().json()
        chunks = read(asked["run_id"], "ui")
    assert text_of(chunks) == SAID
    assert chunks[-1] == {"type": "finish", "finishReason": "stop"}


@pytest.mark.usefixtures("runstreams_client", "model")
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_an_agent_of_pydantic_ai_answers_what_use_chat_sends() -> None:
    with serving_the_app(loaded("pydantic-ai/chat").app) as url:
        asked = httpx.post(f"{url}/chat", json=VERCEL_AI).raise_for_status().json()
        chunks = read(asked["run_id"], "ui")
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


def test_a_function_streams_its_graph_and_does_not_do_so_twice(
    runstreams_server: Server, model: Model, tmp_path: Path
) -> None:
    env = runstreams_server.environ() | model.environ()
    folder = EXAMPLES / "langgraph"
    command = (sys.executable, "-m", "awslambdaric", "function.handler")
    event = {"run_id": "run_function", "question": "How warm is it?"}
    with (
        RuntimeApi().serving() as api,
        function_process("agent", api, env, tmp_path / "log", command, folder),
    ):
        assert api.invoke(event) == "done"
        assert api.invoke(event) == "done before"
    with runstreams_server.client() as client:
        updates = list(client.streams.read("run_function", "updates"))
        progress = list(client.streams.read("run_function", "progress"))
    words = [data[0]["content"] for mode, data in updates if mode == "messages"]
    assert "".join(words).endswith(SAID)
    assert progress == ["looking at Köln"]
