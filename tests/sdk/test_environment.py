"""What the environment says of the way to a server: proxies, certificates, addresses."""

import ssl
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import httpx
import pytest

from runstreams import Client
from runstreams.errors import InvalidSetting, Unreachable
from runstreams.sdk.errors import error_of
from runstreams.sdk.retrying import Patience, Retries
from runstreams.sdk.settings import base_url_of
from runstreams.sdk.transports.environment import certificates, is_excepted, is_here, way_to
from runstreams.sdk.transports.http import _retry_after
from runstreams.testing import Server
from tests.cli.terminal import run

AWAY = "http://streams.example"
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*PROXIES, *map(str.lower, PROXIES), "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)


class Proxy:
    """A proxy that keeps a record of what it is asked, and answers nothing."""

    def __init__(self) -> None:
        asked = self.asked = list[tuple[str, str | None]]()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append((self.path, self.headers["authorization"]))
                self.send_error(403)

            def log_message(self, *what: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    proxy = Proxy()
    thread = Thread(target=proxy.server.serve_forever)
    thread.start()
    yield proxy
    proxy.server.shutdown()
    proxy.server.server_close()
    thread.join()


def ask(url: str) -> None:
    with Client(url, "sk_secret", retries=Retries(attempts=1)) as client:
        client.streams.runs()


def test_a_server_on_this_machine_is_never_asked_through_a_proxy(
    monkeypatch: pytest.MonkeyPatch, proxy: Proxy, runstreams_server: Server
) -> None:
    """It would be shown the secret key."""
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, proxy.url)
    with runstreams_server.client() as client:
        client.streams.runs()
    assert proxy.asked == []


def test_a_server_elsewhere_is_asked_through_the_proxy(
    monkeypatch: pytest.MonkeyPatch, proxy: Proxy
) -> None:
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    with pytest.raises(Exception, match="403"):
        ask(AWAY)
    [(asked, key)] = proxy.asked
    assert asked.startswith(AWAY)
    assert key == "Bearer sk_secret"


@pytest.mark.parametrize(
    ("variable", "value", "url", "said"),
    [
        ("ALL_PROXY", "socks5://127.0.0.1:1", AWAY, "socksio"),
        ("all_proxy", "socks5://127.0.0.1:1", "https://streams.example", "socksio"),
        ("HTTP_PROXY", "socks4://127.0.0.1:1", AWAY, "socks4"),
        ("HTTP_PROXY", "http://127.0.0.1:80x", AWAY, "80x"),
        ("SSL_CERT_FILE", "/no/such/file", "https://streams.example", "/no/such/file"),
        ("SSL_CERT_FILE", __file__, "https://streams.example", "no certificates"),
        ("SSL_CERT_DIR", "/no/such/folder", "https://streams.example", "/no/such/folder"),
    ],
)
def test_what_cannot_be_used_is_one_error_that_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, url: str, said: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(InvalidSetting, match=f"^{variable}.*{said}"):
        ask(url)


def test_what_cannot_be_used_and_is_not_needed_is_no_error(
    monkeypatch: pytest.MonkeyPatch, runstreams_server: Server
) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "fd00::/8, , nonsense:://")
    monkeypatch.setenv("SSL_CERT_FILE", "/no/such/file")
    with runstreams_server.client() as client:
        assert client.streams.runs() is not None


def test_the_command_says_so_in_one_line() -> None:
    environ = {"ALL_PROXY": "socks5://127.0.0.1:1", "RUNSTREAMS_SECRET_KEY": "sk_secret"}
    done = run("ls", "--url", AWAY, environ=environ)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "ALL_PROXY" in done.stderr


@pytest.mark.parametrize(
    ("name", "value"), [("RUNSTREAMS_URL", "http://host:80x"), ("RUNSTREAMS_SECRET_KEY", "sk_é")]
)
def test_the_command_names_the_variable_that_makes_no_sense(name: str, value: str) -> None:
    done = run("ls", environ={"RUNSTREAMS_SECRET_KEY": "sk_secret", name: value})
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith(f"runstreams: {name} ")


def test_a_server_that_cannot_be_reached_is_said_to_be_behind_its_proxy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with pytest.raises(Unreachable, match=r"exam.*, through the proxy of HTTP_PROXY, cannot be"):
        ask("http://example.com")


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:80x",
        "http://host:65536",
        "http://host:0",
        "http://",
        "http://[::1",
        "http://a host",
    ],
)
def test_an_address_that_is_none_is_refused_at_once_and_named(url: str) -> None:
    with pytest.raises(InvalidSetting, match=r"^the server's address .*"):
        Client(url, "sk_secret")
    with pytest.raises(InvalidSetting, match=r"^RUNSTREAMS_URL "):
        base_url_of(None, {"RUNSTREAMS_URL": url})


def test_an_address_that_httpx_does_not_take_is_refused() -> None:
    with pytest.raises(InvalidSetting, match="cannot be used"):
        ask("http://exa\x00mple")


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("localhost", True),
        ("LocalHost.", True),
        ("app.localhost", True),
        ("127.0.0.1", True),
        ("127.8.9.10", True),
        ("127.1", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("0.0.0.0", True),
        ("localhost.example", False),
        ("10.0.0.1", False),
        ("fd00::1", False),
        ("streams.example", False),
    ],
)
def test_this_machine_is_known_by_its_names_and_numbers(host: str, here: bool) -> None:
    assert is_here(host) is here


@pytest.mark.parametrize(
    ("exceptions", "url", "excepted"),
    [
        ("fd00::/8", "http://[fd12::1]:8787", True),
        ("fd00::/8", "http://[fe80::1]", False),
        ("10.0.0.0/8", "http://10.1.2.3", True),
        ("10.0.0.0/8", "http://11.1.2.3", False),
        ("[fd00::1]", "http://[fd00::1]", True),
        ("fd00::1", "http://[fd00::1]", True),
        ("streams.example", "http://streams.example", True),
        ("streams.example", "http://eu.streams.example", True),
        ("streams.example", "http://mystreams.example", False),
        (".example", "http://streams.example", True),
        ("*.example", "http://streams.example", True),
        ("Streams.Example:8787", "http://streams.example:8787", True),
        ("streams.example:443", "https://streams.example", True),
        ("streams.example:443", "http://streams.example", False),
        ("*", "http://streams.example", True),
        ("", "http://streams.example", False),
        ("a,b, streams.example", "http://streams.example", True),
    ],
)
def test_exceptions_are_names_addresses_and_networks(
    exceptions: str, url: str, excepted: bool
) -> None:
    assert is_excepted(httpx.URL(url), exceptions.split(",")) is excepted


def test_an_exception_leads_past_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "proxy.example:3128")
    assert way_to(httpx.URL(AWAY)) == ("http://proxy.example:3128", "ALL_PROXY")
    monkeypatch.setenv("NO_PROXY", "10.0.0.0/8,streams.example")
    assert way_to(httpx.URL(AWAY)) is None


def test_certificates_of_the_environment_are_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert certificates() is True
    monkeypatch.setenv("SSL_CERT_DIR", str(Path(__file__).parent))
    assert isinstance(certificates(), ssl.SSLContext)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("86400", 60.0),
        ("2147484", 60.0),
        ("9" * 400, 60.0),
        ("Fri, 31 Dec 2999 23:59:59 GMT", 60.0),
        ("Fri, 31 Dec 2999 23:59:59 -0000", 60.0),
        ("Fri, 31 Dec 1999 23:59:59 GMT", 0.1),
        ("30", 30.0),
        ("-5", 0.1),
        ("soon", 0.1),
        ("\xb2", 0.1),
        ("", 0.1),
    ],
)
def test_a_server_is_obeyed_for_a_minute_however_it_says_when(said: str, seconds: float) -> None:
    answer = httpx.Response(503, headers=[(b"retry-after", said.encode("latin-1"))])
    error = error_of(503, b"", _retry_after(answer))
    assert Patience(Retries(), lambda: 0.0).after(error) == seconds
