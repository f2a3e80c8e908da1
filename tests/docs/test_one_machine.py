"""Running it for real: a unit of systemd, and nginx in front, both as the page has them."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import httpx
import pytest
from playwright.sync_api import Page

from tests.browser.chromium import launched
from tests.docs.blocks import files
from tests.docs.nginx import PAGE, Nginx
from tests.serve.process import ServerProcess, run_to_end

UNIT = "/etc/systemd/system/runstreams.service"
RUN = "/realtime/v1/streams/run_1"
STREAMS = 12
"""More than the connections that a browser opens to an origin over HTTP/1.1."""

needs_nginx = pytest.mark.needs("nginx", "openssl")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    with ServerProcess(tmp_path / "data") as server:
        yield server


@pytest.fixture
def nginx(tmp_path: Path, server: ServerProcess) -> Iterator[Nginx]:
    folder = tmp_path / "nginx"
    folder.mkdir()
    with Nginx(folder, server.port) as nginx:
        yield nginx


@pytest.fixture
def http(nginx: Nginx, server: ServerProcess) -> Iterator[httpx.Client]:
    with httpx.Client(
        base_url=nginx.url, headers=server.headers, verify=nginx.trust, timeout=60
    ) as http:
        yield http


@pytest.mark.needs("systemd-analyze")
def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / "runstreams.service"
    command = shutil.which("true")
    assert command is not None
    text = files(PAGE)[UNIT]
    assert "/opt/runstreams/bin/runstreams" in text
    unit.write_text(text.replace("/opt/runstreams/bin/runstreams", command))
    done = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_command_of_the_unit_serves(tmp_path: Path) -> None:
    (line,) = (line for line in files(PAGE)[UNIT].splitlines() if line.startswith("ExecStart="))
    command = line.removeprefix("ExecStart=").split()
    assert command[1:] == ["serve", "--data", "/var/lib/runstreams"]
    origin = {"RUNSTREAMS_ALLOWED_ORIGINS": "https://app.example.com"}
    with ServerProcess(tmp_path / "data", environ=origin) as server:
        answer = server.http.get("/health", headers={"Origin": "https://app.example.com"})
    assert answer.headers["Access-Control-Allow-Origin"] == "https://app.example.com"


@needs_nginx
def test_chunks_come_through_nginx_while_more_are_written(
    http: httpx.Client, server: ServerProcess
) -> None:
    headers = {"Accept": "text/event-stream"}
    with http.stream("GET", f"{RUN}/answer", headers=headers) as events:
        lines = events.iter_lines()
        for number in range(3):
            server.http.post(f"{RUN}/self/answer/append", content=str(number))
            assert f'{number}\\"' in next(line for line in lines if line.startswith("data"))


@needs_nginx
def test_a_body_is_stored_through_nginx_while_it_is_sent(
    http: httpx.Client, server: ServerProcess
) -> None:
    stored = []

    def body() -> Iterator[bytes]:
        for number in range(3):
            yield b"%d\n" % number
            page = server.http.get(f"{RUN}/answer", params={"start": number}).json()
            stored.append(page["chunks"][0]["data"])

    answer = http.post(f"{RUN}/self/answer", content=body())
    assert (answer.status_code, stored) == (200, [0, 1, 2])


@needs_nginx
@pytest.mark.soak
def test_nginx_waits_for_the_longest_poll(http: httpx.Client) -> None:
    answer = http.get(f"{RUN}/nothing", params={"wait": 25})
    assert (answer.status_code, answer.json()["chunks"]) == (200, [])


@needs_nginx
@pytest.mark.needs("curl")
@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
def test_an_event_stream_that_breaks_behind_nginx_is_no_clean_end(
    version: str, nginx: Nginx, server: ServerProcess
) -> None:
    server.http.post(f"{RUN}/self/answer/append", content="first")
    command = ["curl", "-sN", version, "--cacert", str(nginx.certificate)]
    for name, value in {**server.headers, "Accept": "text/event-stream"}.items():
        command += ["-H", f"{name}: {value}"]
    with subprocess.Popen([*command, f"{nginx.url}{RUN}/answer"], stdout=subprocess.PIPE) as curl:
        assert curl.stdout is not None
        while b"first" not in curl.stdout.readline():
            assert curl.poll() is None
        server.kill()
        assert b"[DONE]" not in curl.stdout.read()
    assert curl.returncode != 0


@needs_nginx
def test_plain_http_leads_to_tls(nginx: Nginx) -> None:
    answer = httpx.get(f"http://127.0.0.1:{nginx.plain_port}/health?a=b")
    assert (answer.status_code, answer.headers["Location"]) == (308, "https://127.0.0.1/health?a=b")


@needs_nginx
def test_the_dashboards_address_stays_nginxs(http: httpx.Client, nginx: Nginx) -> None:
    answer = http.get("/dashboard/", follow_redirects=True)
    assert (answer.status_code, str(answer.url)) == (200, f"{nginx.url}/dashboard")


class Heard(BaseHTTPRequestHandler):
    """Answers with the headers that it got."""

    def do_GET(self) -> None:
        body = json.dumps(dict(self.headers)).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *said: object) -> None:
        """Say nothing."""


@needs_nginx
def test_nginx_says_who_has_called_and_how(tmp_path: Path) -> None:
    with HTTPServer(("127.0.0.1", 0), Heard) as behind:
        Thread(target=behind.serve_forever, daemon=True).start()
        with Nginx(tmp_path, behind.server_port) as nginx:
            heard = httpx.get(nginx.url, verify=nginx.trust).json()
        behind.shutdown()
    found = [heard[name] for name in ("Host", "X-Forwarded-For", "X-Forwarded-Proto")]
    assert found == ["127.0.0.1", "127.0.0.1", "https"]


@needs_nginx
def test_the_commands_go_through_nginx(nginx: Nginx, server: ServerProcess) -> None:
    environ = {
        "RUNSTREAMS_URL": nginx.url,
        "RUNSTREAMS_SECRET_KEY": server.secret,
        "SSL_CERT_FILE": str(nginx.certificate),
    }
    done = run_to_end("append", "run_1", "log", "hello", environ=environ)
    assert (done.returncode, done.stderr) == (0, "")
    assert run_to_end("read", "run_1", "log", environ=environ).stdout == "hello\n"


FOLLOW = """async ({ streams, key }) => {
    const Authorization = `Bearer ${key}`;
    const follow = { headers: { Authorization, Accept: "text/event-stream" } };
    const reading = Array.from({ length: streams }, async (_, n) => {
        const answer = await fetch(`/realtime/v1/streams/run_1/k${n}`, follow);
        const first = await answer.body.getReader().read();
        return new TextDecoder().decode(first.value).includes("event: batch");
    });
    for (let n = 0; n < streams; n++) {
        const path = `/realtime/v1/streams/run_1/self/k${n}/append`;
        await fetch(path, { method: "POST", headers: { Authorization }, body: "one" });
    }
    const [page] = performance.getEntriesByType("navigation");
    return { all: (await Promise.all(reading)).every(Boolean), spoken: page.nextHopProtocol };
}"""
"""Follow streams until each has a chunk, and never let go; write to them meanwhile."""


@needs_nginx
@pytest.mark.needs("chromium")
def test_a_browser_follows_many_streams_over_one_connection(
    nginx: Nginx, server: ServerProcess
) -> None:
    with launched() as browser:
        page: Page = browser.new_page(ignore_https_errors=True)
        page.goto(f"{nginx.url}/dashboard")
        found = page.evaluate(FOLLOW, {"streams": STREAMS, "key": server.secret})
    assert found == {"all": True, "spoken": "h2"}
