"""What a server lets a run and a token take, as its flags say."""

import time
from pathlib import Path

import httpx

from tests.serve.process import ServerProcess
from tests.signing import issue_token

KEY = "a-secret-key-for-bounds"
ORIGIN = {"Origin": "https://app.example"}
PATH = "/realtime/v1/streams/run_1"


def served(folder: Path, *flags: str) -> ServerProcess:
    return ServerProcess(folder / "data", *flags, environ={"RUNSTREAMS_SECRET_KEY": KEY})


def test_a_run_opens_as_many_streams_as_it_may(tmp_path: Path) -> None:
    with served(tmp_path, "--run-max-streams", "1", "--retention-days", "1") as server:
        headers = {"Authorization": f"Bearer {KEY}", **ORIGIN}
        with httpx.Client(base_url=server.url, headers=headers) as http:
            assert http.post(f"{PATH}/self/one", content="1\n").status_code == 200
            refused = http.post(f"{PATH}/self/two", content="1\n")
            assert http.post(f"{PATH}/self/one", content="2\n").status_code == 200
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "too_many_streams")
    assert 86_000 < int(refused.headers["retry-after"]) <= 86_400
    assert refused.headers["access-control-allow-origin"] == ORIGIN["Origin"]


def test_a_token_waits_with_as_many_readers_as_it_may(tmp_path: Path) -> None:
    """Over real connections, of which the server notices that they go."""
    token = issue_token(KEY, ["read:runs:run_1"], time.time())
    headers = {"Authorization": f"Bearer {token}", **ORIGIN}
    with (
        served(tmp_path, "--token-max-readers", "1") as server,
        httpx.Client(base_url=server.url, headers=headers, timeout=60) as http,
    ):
        with http.stream("GET", f"{PATH}/one", headers={"Accept": "text/event-stream"}) as first:
            assert first.status_code == 200
            refused = http.get(f"{PATH}/one", params={"wait": "20"})
        assert (refused.status_code, refused.json()["error"]["code"]) == (429, "too_many_readers")
        assert refused.headers["retry-after"] == "5"
        while http.get(f"{PATH}/one", params={"wait": "0"}).status_code == 429:
            time.sleep(0.01)
