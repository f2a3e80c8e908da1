"""Taking a stream over, over HTTP."""

from tests.http.asgi import READ, STREAM, Api, in_virtual_time

JSON = {"accept": "application/json"}
OLD = {"x-client-id": "old", **JSON}


def at(fence: int, client: str = "old", number: int = 0) -> dict[str, str]:
    """Return the headers of a writer that began at *fence*."""
    resume = {"x-resume-from-chunk": str(number)}
    return {"x-client-id": client, "x-stream-fence": str(fence), **resume, **JSON}


@in_virtual_time
async def test_late_chunks_promises_and_closes_are_refused() -> None:
    api = Api()
    began = await api.ask("POST", STREAM, "0\n", OLD)
    assert (began.json()["fence"], began.headers.get("x-stream-fence")) == (None, None)
    taken = await api.ask("POST", READ + "/take-over")
    assert taken.json() == {"fence": 1, "tail": 1, "leased_until": None}
    late = await api.ask("POST", STREAM, "1\n", at(0, number=1))
    promise = await api.ask("POST", STREAM, "", at(0, number=1) | {"x-lease-seconds": "60"})
    close = await api.ask("POST", READ + "/close", headers=at(0))
    for refused in (late, promise, close):
        assert (refused.status, refused.error["code"]) == (409, "fenced_off")
        assert refused.error["fence"] == 1
    assert await api.chunks() == [0]


@in_virtual_time
async def test_who_takes_over_goes_on_and_closes() -> None:
    api = Api()
    lease = {"x-client-id": "new", "x-lease-seconds": "60"}
    taken = await api.ask("POST", STREAM + "/take-over", headers=lease)
    assert taken.json()["leased_until"] == api.log.clock() + 60_000
    went_on = await api.ask("POST", STREAM, "0\n", at(1, "new"))
    assert (went_on.json()["fence"], went_on.headers.get("x-stream-fence")) == (1, "1")
    assert (await api.ask("POST", READ + "/close", headers=at(1))).status == 200


@in_virtual_time
async def test_a_body_that_was_begun_before_tells_what_it_began_at() -> None:
    """Else its writer would take itself for one that began after."""
    api = Api()
    await api.ask("POST", STREAM, "0\n", OLD)
    await api.ask("POST", READ + "/take-over")
    resent = await api.ask("POST", STREAM, "0\n1\n", OLD)
    assert (resent.json()["last_index"], resent.json()["fence"]) == (1, None)


@in_virtual_time
async def test_what_has_ended_is_not_taken_over() -> None:
    api = Api()
    await api.ask("POST", READ + "/close")
    refused = await api.ask("POST", READ + "/take-over")
    assert (refused.status, refused.error["code"]) == (409, "stream_closed")


@in_virtual_time
async def test_a_fence_that_is_no_number_is_refused() -> None:
    api = Api()
    refused = await api.ask("POST", STREAM, "0\n", OLD | {"x-stream-fence": "-1"})
    assert (refused.status, refused.error["code"]) == (400, "invalid_index")
