"""Superseding chunks, over HTTP: the log stays, and answers tell what no longer counts."""

import json

from tests.http.asgi import READ, STREAM, Api, in_virtual_time

POLL = READ + "?wait=0"
DESCRIBED = "/api/v1/runs/run_1/streams/out"


def superseding(index: int, client: str = "new", number: int = 0) -> dict[str, str]:
    """Return the headers of a writer whose body supersedes what is there from *index* on."""
    resume = {"x-client-id": client, "x-resume-from-chunk": str(number)}
    return {"x-stream-supersedes": str(index), **resume, "accept": "application/json"}


@in_virtual_time
async def test_a_page_and_the_description_tell_what_no_longer_counts() -> None:
    api = Api()
    await api.ask("POST", STREAM, "0\n1\n2\n")
    assert "superseded" not in (await api.ask("GET", POLL)).json()
    await api.ask("POST", STREAM, "10\n20\n", superseding(1))
    page = (await api.ask("GET", POLL)).json()
    assert [chunk["data"] for chunk in page["chunks"]] == [0, 1, 2, 10, 20]
    assert page["superseded"] == [[1, 3]]
    told = (await api.ask("GET", DESCRIBED)).json()
    assert (told["superseded"], told["fence"]) == ([[1, 3]], 0)


@in_virtual_time
async def test_only_the_first_line_of_a_body_supersedes_and_a_resend_does_not() -> None:
    api = Api()
    await api.ask("POST", STREAM, "0\n")
    for _ in range(2):
        await api.ask("POST", STREAM, "1\n2\n", superseding(0))
    resent = await api.ask("POST", STREAM, "1\n2\n3\n", superseding(0))
    assert resent.json()["last_index"] == 3
    assert (await api.ask("GET", POLL)).json()["superseded"] == [[0, 1]]


@in_virtual_time
async def test_an_event_tells_it_beside_what_the_published_clients_read() -> None:
    api = Api()
    await api.ask("POST", STREAM, "0\n")
    await api.ask("POST", STREAM, "1\n", superseding(0))
    await api.ask("POST", READ + "/close")
    answer = await api.ask("GET", READ, headers={"accept": "text/event-stream"})
    batch = next(part for part in answer.body.decode().split("\n\n") if "event: batch" in part)
    said = json.loads(batch.partition("data: ")[2])
    assert [record["seq_num"] for record in said["records"]] == [0, 1]
    assert said["superseded"] == [[0, 1]]


@in_virtual_time
async def test_an_index_that_is_none_or_is_not_there_is_refused() -> None:
    api = Api()
    refused = await api.ask("POST", STREAM, "0\n", superseding(-1))
    assert (refused.status, refused.error["code"]) == (400, "invalid_index")
    beyond = await api.ask("POST", STREAM, "0\n", superseding(1))
    assert (beyond.status, beyond.error["code"]) == (416, "index_beyond_tail")
    assert await api.chunks() == []
