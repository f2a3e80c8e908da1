"""An endpoint that streams an answer to a browser, which may reload, or lose its network and come
back: the answer goes on, and the browser gets the rest.

    python -m uvicorn examples.browser:app      # then open http://127.0.0.1:8000

The job's chunks go into a stream; the endpoint reads that stream and sends it on as server-sent
events whose ids are the chunks' indexes. A browser that reconnects says the last id it had.
"""

import json
from collections.abc import AsyncIterator
from uuid import uuid4

from fastapi import FastAPI, Header
from fastapi.responses import HTMLResponse, StreamingResponse
from pydantic import BaseModel

from runstreams.aio import streams

from .model import async_completion

app = FastAPI()


class Question(BaseModel):
    text: str


async def words(question: str) -> AsyncIterator[str]:
    """Yield the words of the model's answer."""
    async for chunk in async_completion(question):
        if word := chunk.choices[0].delta.content:
            yield word


@app.post("/questions")
async def ask(question: Question) -> dict[str, str]:
    """Begin to answer, in the background, and say under which run."""
    run_id = f"run_{uuid4().hex}"
    # It goes on whether or not anybody reads; with `close`, readers come to its end.
    streams.pipe("answer", words(question.text), target=run_id, close=True)
    return {"run_id": run_id}


@app.get("/answers/{run_id}")
async def answer(run_id: str, last_event_id: int = Header(default=-1)) -> StreamingResponse:
    """Send an answer on, from where the browser is."""
    return StreamingResponse(
        events(run_id, last_event_id + 1),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-cache, no-transform"},
    )


async def events(run_id: str, start_index: int) -> AsyncIterator[str]:
    """Yield a server-sent event for each chunk from *start_index* on, and one for the end."""
    # The browser may go away at any time: leaving the block closes the connection.
    async with streams.read(
        run_id, "answer", start_index=start_index, strict=False, chunks=True
    ) as reader:
        async for chunk in reader:
            yield f"id: {chunk.index}\ndata: {json.dumps(chunk.data)}\n\n"
        status = reader.closed.status if reader.closed else "silent"
    yield f"event: end\ndata: {json.dumps(status)}\n\n"


PAGE = """<!doctype html>
<title>An answer that lasts</title>
<form><input name="text" value="What is a stream?" size="40"> <button>Ask</button></form>
<p id="answer"></p>
<p id="status"></p>
<script type="module">
const show = (id, text) => { document.getElementById(id).textContent = text; };

// The run's id is in the address, so that a reload shows the same answer.
const follow = (run) => {
    let answer = "";
    const events = new EventSource(`/answers/${run}`);
    events.onmessage = ({data}) => show("answer", answer += JSON.parse(data));
    events.addEventListener("end", ({data}) => {
        events.close();
        show("status", JSON.parse(data));
    });
};

document.querySelector("form").onsubmit = async (event) => {
    event.preventDefault();
    const text = new FormData(event.target).get("text");
    const headers = {"Content-Type": "application/json"};
    const body = JSON.stringify({text});
    const asked = await fetch("/questions", {method: "POST", headers, body});
    location.hash = (await asked.json()).run_id;
    location.reload();
};

if (location.hash) follow(location.hash.slice(1));
</script>
"""


@app.get("/", response_class=HTMLResponse)
def page() -> str:
    """Return the page."""
    return PAGE
