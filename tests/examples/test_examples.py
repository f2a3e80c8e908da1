"""The examples, run as their readers run them."""

import json
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest

from examples import browser, completion, model
from runstreams import Client, streams
from runstreams.testing import Server
from tests.browser.chromium import launched
from tests.examples.serving import serving_the_app
from tests.serve.process import clean_environ
from tests.tools import ROOT

QUESTION = "What is a stream?"
ANSWER = model.ANSWERS[QUESTION]


def run(module: str, server: Server, *arguments: str) -> list[str]:
    """Run an example as a process; return the lines that it prints."""
    done = subprocess.run(
        [sys.executable, "-m", f"examples.{module}", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=ROOT,
        env=clean_environ() | server.environ(),
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_completion_reaches_the_live_and_the_late_reader(runstreams_server: Server) -> None:
    late = " ".join(ANSWER.split()[completion.LATE :])
    assert sorted(run("completion", runstreams_server)) == [f"late: {late}", f"live: {ANSWER}"]


def test_a_completion_fails_for_readers_as_it_fails_for_the_job(
    runstreams_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def overloaded(question: str) -> Iterator[model.CompletionChunk]:
        yield from list(model.completion(question, pause=0))[:2]
        raise RuntimeError("the model is overloaded")

    monkeypatch.setattr(completion, "completion", overloaded)
    with pytest.raises(RuntimeError, match="overloaded"):
        completion.job("run_1", QUESTION)
    with streams.read("run_1", "answer", strict=False) as reader:
        assert len(list(reader)) == 2
    assert reader.closed is not None
    assert (reader.closed.status, reader.closed.error) == (
        "failed",
        "RuntimeError: the model is overloaded",
    )


def test_a_workers_steps_and_words_are_followed(runstreams_server: Server) -> None:
    question = "Who reads it?"
    plan, search, answer, words, progress = run("worker", runstreams_server, question)
    assert plan == "plan: {'steps': ['search', 'answer']}"
    assert search == "search: {'found': 3}"
    assert answer == f"answer: {{'text': '{model.ANSWERS[question]}'}}"
    assert words.removeprefix("words: ").replace("|", "") == model.ANSWERS[question]
    assert progress.startswith("progress: run_")


def events(body: str) -> list[dict[str, str]]:
    """Return the fields of each event."""
    blocks = [block.splitlines() for block in body.split("\n\n") if block]
    return [dict(line.split(": ", 1) for line in lines) for lines in blocks]


def test_an_answer_is_sent_on_from_where_the_browser_is(runstreams_client: Client) -> None:
    with serving_the_app(browser.app) as url, httpx.Client(base_url=url, timeout=20) as http:
        asked = http.post("/questions", json={"text": QUESTION}).raise_for_status()
        path = f"/answers/{asked.json()['run_id']}"
        whole = events(http.get(path).text)
        rest = events(http.get(path, headers={"Last-Event-ID": "9"}).text)
    assert "".join(json.loads(each["data"]) for each in whole[:-1]) == ANSWER
    assert whole[-1] == {"event": "end", "data": '"completed"'}
    assert rest == whole[10:]


@pytest.mark.needs("chromium")
def test_a_browser_that_reloads_shows_the_whole_answer(runstreams_client: Client) -> None:
    with serving_the_app(browser.app) as url, launched() as chromium:
        page = chromium.new_page()
        page.goto(url)
        page.click("button")
        page.wait_for_function("document.getElementById('answer').textContent.length > 3")
        page.reload()
        page.wait_for_function("document.getElementById('status').textContent")
        assert page.text_content("#status") == "completed"
        assert page.text_content("#answer") == ANSWER
