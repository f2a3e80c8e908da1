"""A server with a real cache in front, both as `deploy` configures them, on free ports."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from socket import create_connection
from time import monotonic, sleep
from typing import Literal

from tests.docs.blocks import files
from tests.docs.nginx import USER
from tests.emulators.process import free_port
from tests.serve.process import START_SECONDS, ServerProcess
from tests.tools import ROOT, find

Kind = Literal["nginx", "varnish"]
KINDS: tuple[Kind, ...] = ("nginx", "varnish")

SECRET = "a-secret-between-cache-and-server"
PUT_ONE = "put-a-long-random-secret-here"
PAGES = "/realtime/v1/pages/{run}/{key}"
POLLS = "/realtime/v1/streams/{run}/{key}"
"""The routes of reads that may be shared, and of those that are one reader's alone."""

VARNISH = "/etc/systemd/system/varnish.service.d/runstreams.conf"
DEPLOYED = ROOT / "deploy"

AROUND = """
load_module {module};
daemon off;
worker_processes 1;
worker_rlimit_nofile 16384;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
{user}
events {{ worker_connections 16384; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/pages.conf;
}}
"""
"""What Debian's own configuration has around a site, as far as it matters here."""


IPV6 = re.compile(r"^ +listen \[::\].*\n", re.MULTILINE)
"""What not every machine has."""


class Cached:
    """A server, and a cache that readers ask instead."""

    def __init__(self, server: ServerProcess, folder: Path, url: str) -> None:
        self.server = server
        self.url = url
        self.varnish_port = 0
        self._keys = folder / "runstreams-keys"

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def accept(self, *keys: str) -> None:
        """Let the cache take tokens that are signed with one of *keys*."""
        self._keys.write_text("".join(f"{key}\n" for key in keys))
        self._keys.chmod(0o644)

    def origin_requests(self) -> int:
        """Return how many pages the server itself was asked for."""
        return asked(self.server, PAGES)


def asked(server: ServerProcess, route: str, status: str = "") -> int:
    """Return how many requests of a *route* the server has answered, with a *status* or any."""
    told = server.http.get("/metrics").text
    wanted = ("requests_total{", 'method="GET"', f'route="{route}"', f'status="{status}')
    lines = [line for line in told.splitlines() if all(part in line for part in wanted)]
    return sum(int(float(line.split()[-1])) for line in lines)


@contextmanager
def cached(kind: Kind, folder: Path) -> Iterator[Cached]:
    """Run a server behind nginx, whose own cache or Varnish keeps the pages."""
    environ = {"RUNSTREAMS_ORIGIN_SECRET": SECRET}
    with ServerProcess(folder / "data", environ=environ) as server:
        port, varnish_port = free_port(), free_port()
        found = Cached(server, folder, f"http://127.0.0.1:{port}")
        found.accept(server.secret)
        found.varnish_port = varnish_port
        _configure(kind, folder, server.port, port, varnish_port)
        commands = [_nginx(folder)]
        if kind == "varnish":
            commands.insert(0, _varnish(folder, varnish_port))
        with _running(commands, folder):
            _wait(port)
            if kind == "varnish":
                _wait(varnish_port)
            yield found


def _configure(kind: Kind, folder: Path, server: int, port: int, varnish: int) -> None:
    ours = {
        "listen 80;": f"listen 127.0.0.1:{free_port()};",
        "listen 443 ssl http2;": f"listen 127.0.0.1:{port};",
        "    ssl_certificate /etc/ssl/streams.example.com.pem;\n": "",
        "    ssl_certificate_key /etc/ssl/streams.example.com.key;\n": "",
        "/etc/nginx/runstreams-keys": str(folder / "runstreams-keys"),
        "/etc/nginx/runstreams": str(folder),
        "/var/cache/runstreams": str(folder / "cache"),
        "127.0.0.1:8787": f"127.0.0.1:{server}",
        "127.0.0.1:6081": f"127.0.0.1:{varnish}",
        '"8787"': f'"{server}"',
        PUT_ONE: SECRET,
    }
    files = {
        "edge/token.js": "token.js",
        "nginx/edge.js": "edge.js",
        "nginx/pages.conf": "pages.conf",
        f"nginx/cache-{kind}.conf": "cache.conf",
        "varnish/pages.vcl": "pages.vcl",
    }
    for theirs, name in files.items():
        text = re.sub(
            r"^ +listen \[::\].*\n", "", (DEPLOYED / theirs).read_text(), flags=re.MULTILINE
        )
        for said, here in ours.items():
            text = text.replace(said, here)
        (folder / name).write_text(text)
    around = AROUND.format(module=find("njs"), folder=folder, user=USER)
    (folder / "nginx.conf").write_text(around)


def _nginx(folder: Path) -> list[str]:
    return [str(find("nginx")), "-p", str(folder), "-c", str(folder / "nginx.conf")]


def _varnish(folder: Path, port: int) -> list[str]:
    """Return the command that the page has for Varnish, without a user and a console of its own."""
    *_, command = files(ROOT / "docs" / "caching.md")[VARNISH].partition("ExecStart=\nExecStart=")
    here = {
        "/usr/sbin/varnishd": str(find("varnishd")),
        "127.0.0.1:6081": f"127.0.0.1:{port}",
        "unix,user=vcache": "none",
        "/etc/varnish/default.vcl": str(folder / "pages.vcl"),
        "malloc,256m": "malloc,64m",
    }
    told = re.sub(r"-[TS] \S+ ", "", command).split()
    assert here.keys() <= {*told}
    return [*(here.get(word, word) for word in told), "-n", str(folder / "varnish")]


@contextmanager
def _running(commands: list[list[str]], folder: Path) -> Iterator[None]:
    log = folder / "caches.log"
    with log.open("ab") as said:
        processes = [subprocess.Popen(one, stdout=said, stderr=said) for one in commands]
    try:
        yield
    finally:
        ended = [process.poll() for process in processes]
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait()
        assert ended == [None] * len(processes), log.read_text()


def _wait(port: int) -> None:
    """Return once somebody listens on *port*."""
    deadline = monotonic() + START_SECONDS
    while True:
        with suppress(ConnectionRefusedError), create_connection(("127.0.0.1", port)):
            return
        assert monotonic() < deadline, f"nobody listens on port {port}"
        sleep(0.02)
