"""The site with a cache takes the place of the one without, and has all that it has."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.caches.serving import AROUND, KINDS, Kind
from tests.docs.blocks import files
from tests.docs.nginx import PAGE, SIGN, SITE, USER
from tests.tools import ROOT, find

CACHING = (ROOT / "docs" / "caching.md").read_text()
DEPLOYED = ROOT / "deploy"


def said(text: str) -> set[str]:
    """Return the lines that say something to nginx."""
    lines = (line.strip() for line in text.splitlines())
    return {line for line in lines if line and not line.startswith("#")}


def test_the_site_with_a_cache_has_all_that_the_one_without_has() -> None:
    assert said(files(PAGE)[SITE]) - said((DEPLOYED / "nginx" / "pages.conf").read_text()) == set()


def test_it_is_installed_in_its_place() -> None:
    assert f"deploy/nginx/pages.conf {SITE}\n" in CACHING
    assert "sudo nginx -t && sudo systemctl reload nginx" in CACHING


@pytest.mark.needs("nginx", "njs", "openssl")
@pytest.mark.parametrize("kind", KINDS)
def test_nginx_takes_it_as_it_is(kind: Kind, tmp_path: Path) -> None:
    """With the certificate, the ports and the caches that the tests of its answers leave out."""
    here = {
        "/etc/ssl/streams.example.com.pem": f"{tmp_path}/certificate.pem",
        "/etc/ssl/streams.example.com.key": f"{tmp_path}/key.pem",
        "/etc/nginx/runstreams": str(tmp_path),
        "/var/cache/runstreams": f"{tmp_path}/cache",
    }
    for path in ("edge/token.js", "nginx/edge.js", "nginx/pages.conf", f"nginx/cache-{kind}.conf"):
        text = re.sub("|".join(here), lambda found: here[found[0]], (DEPLOYED / path).read_text())
        (tmp_path / Path(path).name.replace(f"cache-{kind}", "cache")).write_text(text)
    written = ["-keyout", f"{tmp_path}/key.pem", "-out", f"{tmp_path}/certificate.pem"]
    name = "subjectAltName=IP:127.0.0.1"
    subprocess.run([*SIGN.split(), name, *written], check=True, capture_output=True)
    around = AROUND.format(module=find("njs"), folder=tmp_path, user=USER)
    (tmp_path / "nginx.conf").write_text(around)
    command = [str(find("nginx")), "-t", "-p", str(tmp_path), "-c", f"{tmp_path}/nginx.conf"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
