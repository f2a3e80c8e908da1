"""nginx as `docs/one-machine.md` configures it, on free ports, with a certificate of its own."""

import os
import re
import subprocess
from contextlib import suppress
from pathlib import Path
from ssl import SSLContext, create_default_context

import httpx

from tests.docs.blocks import files
from tests.emulators.process import free_port
from tests.tools import ROOT, find

PAGE = ROOT / "docs" / "one-machine.md"
SITE = "/etc/nginx/sites-available/runstreams"

AROUND = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
{user}
events {{ worker_connections 768; }}
http {{
    gzip on;
    access_log {folder}/access.log;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {site}
}}
"""
"""What Debian's own configuration has around a site, as far as it matters here."""


USER = "user root;" if os.getuid() == 0 else ""
"""Its workers may read what the test has made."""

SIGN = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=test -addext"


class Nginx:
    """A running nginx before a server; a context manager that leaves nothing running."""

    def __init__(self, folder: Path, server: int) -> None:
        """Stand before what listens on port *server*; *folder* is empty."""
        self.port, self.plain_port = free_port(), free_port()
        self.url = f"https://127.0.0.1:{self.port}"
        self.certificate = folder / "certificate.pem"
        self._folder = folder
        self._sign()
        (folder / "nginx.conf").write_text(self._configuration(server))
        command = [str(find("nginx")), "-p", str(folder), "-c", str(folder / "nginx.conf")]
        subprocess.run([*command, "-t"], check=True, capture_output=True)
        self._process = subprocess.Popen(command)
        self._wait()

    @property
    def trust(self) -> SSLContext:
        """What a program needs to know to trust it."""
        return create_default_context(cafile=str(self.certificate))

    def _sign(self) -> None:
        files = ["-keyout", str(self._folder / "key.pem"), "-out", str(self.certificate)]
        name = "subjectAltName=IP:127.0.0.1"
        subprocess.run([*SIGN.split(), name, *files], check=True, capture_output=True)

    def _configuration(self, server: int) -> str:
        site = files(PAGE)[SITE]
        for ours, theirs in {
            ":8787": f":{server}",
            "listen 80;": f"listen 127.0.0.1:{self.plain_port};",
            "listen 443 ": f"listen 127.0.0.1:{self.port} ",
            "/etc/ssl/streams.example.com.pem": str(self.certificate),
            "/etc/ssl/streams.example.com.key": str(self._folder / "key.pem"),
        }.items():
            assert ours in site
            site = site.replace(ours, theirs)
        site = re.sub(r"^ +listen \[::\].*\n", "", site, flags=re.MULTILINE)  # not everywhere
        return AROUND.format(folder=self._folder, site=site, user=USER)

    def _wait(self) -> None:
        with httpx.Client(verify=self.trust) as http:
            while True:
                assert self._process.poll() is None, (self._folder / "error.log").read_text()
                with suppress(httpx.ConnectError):
                    http.get(f"{self.url}/health")
                    return

    def __enter__(self) -> "Nginx":
        return self

    def __exit__(self, *exc: object) -> None:
        self._process.terminate()
        self._process.wait()
