"""A server for readers alone, as the tier beside a deployment has them."""

from pathlib import Path

from .process import ServerProcess

RUN = "/realtime/v1/streams/run_1"


def test_readers_are_served_and_nothing_else(tmp_path: Path) -> None:
    with (
        ServerProcess(tmp_path / "d") as whole,
        ServerProcess(tmp_path / "d", "--reads-only") as it,
    ):
        whole.http.post(f"{RUN}/self/k/append", content="x").raise_for_status()
        assert it.http.get(f"{RUN}/k").json()["chunks"][0]["data"] == "x"
        assert it.http.get("/v1/stream/run_1/k").status_code == 200
        assert "runstreams_requests_total" in it.http.get("/metrics").text
        assert it.http.get("/health").json()["status"] == "ok"
        for method, path in (
            ("POST", f"{RUN}/self/k/append"),
            ("PUT", f"{RUN}/self/k"),
            ("DELETE", "/v1/stream/run_1/k"),
            ("DELETE", "/api/v1/runs/run_1"),
            ("GET", "/api/v1/runs"),
            ("GET", "/dashboard"),
        ):
            assert it.http.request(method, path).status_code in (404, 405), path
        assert "dashboard" not in it.said_until("serves readers")
