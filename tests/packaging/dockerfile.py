"""A Dockerfile, carried out without an engine: its base is a plain Debian, made by debootstrap, and
its steps are run in there with the environment that it sets.
"""

import json
import os
import re
import shlex
import shutil
import ssl
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.tools import ROOT

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
USUAL_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
CERTIFICATES = "etc/registry.pem"
"""Where the machine's own certificates lie meanwhile: its registry of packages may need them."""

READ_ONLY = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0"'
"""Done where no other process sees it, so it ends with what runs there."""


def instructions(text: str) -> Iterator[tuple[str, str]]:
    """Yield each instruction with what follows it."""
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for line in re.sub(r"\\\n\s*", "", lines).splitlines():
        if line.strip():
            word, _, rest = line.partition(" ")
            yield word, rest.strip()


class Image:
    """A tree of files, and how a container of it starts."""

    def __init__(self, root: Path) -> None:
        """Make it in the folder *root*."""
        self.root = root
        self.environ = {"PATH": USUAL_PATH}
        self.user = "root"
        self.entrypoint: list[str] = []
        self.command: list[str] = []

    def build(self, dockerfile: Path) -> None:
        """Carry out *dockerfile*, whose context is the repository."""
        for word, rest in instructions(dockerfile.read_text()):
            getattr(self, f"_{word.lower()}")(rest)

    def start(self, environ: Mapping[str, str]) -> "subprocess.Popen[str]":
        """Start a container with *environ*, whose file system is read-only; it shares the machine's
        network.
        """
        return subprocess.Popen(
            self.read_only([*self.entrypoint, *self.command], environ),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def read_only(self, command: list[str], environ: Mapping[str, str]) -> list[str]:
        """Return what runs *command* inside where nothing can be written, whoever runs it."""
        script = f'{READ_ONLY} && exec "$@"'
        mounts = ["unshare", "--mount", "sh", "-c", script, str(self.root)]
        return [*mounts, *self._inside(command, environ)]

    def _from(self, image: str) -> None:
        suite = re.fullmatch(r"debian:(\w+)-slim", image)
        assert suite, f"{image} is no plain Debian"
        debootstrap = ["debootstrap", "--variant=minbase", f"--keyring={KEYRING}"]
        _run([*debootstrap, suite[1], str(self.root), debian_mirror()])
        shutil.copy("/etc/resolv.conf", self.root / "etc/resolv.conf")
        shutil.copy(os.environ.get("PIP_CERT") or _certificates(), self.root / CERTIFICATES)

    def _run(self, script: str) -> None:
        _run(self._inside(["sh", "-c", script], reaching_packages()))

    def _copy(self, rest: str) -> None:
        source, target = rest.split()
        found, place = ROOT / source, self.root / target.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        if found.is_dir():
            shutil.copytree(found, place, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(found, place)

    def _env(self, rest: str) -> None:
        pairs = (word.partition("=") for word in shlex.split(rest))
        self.environ |= {
            name: value.replace("$PATH", self.environ["PATH"]) for name, _, value in pairs
        }

    def _user(self, rest: str) -> None:
        self.user = rest

    def _expose(self, rest: str) -> None:
        self.port = int(rest)

    def _entrypoint(self, rest: str) -> None:
        self.entrypoint = json.loads(rest)

    def _cmd(self, rest: str) -> None:
        self.command = json.loads(rest)

    def _inside(self, command: list[str], environ: Mapping[str, str]) -> list[str]:
        told = [f"{name}={value}" for name, value in {**self.environ, **environ}.items()]
        chroot = ["chroot", f"--userspec={self.user}", str(self.root)]
        return [*chroot, "env", "-i", *told, *command]


def debian_mirror() -> str:
    """Return where this machine has Debian's packages from."""
    uris = _run(["apt-get", "indextargets", "--format", "$(REPO_URI) $(LABEL)"]).splitlines()
    return next(
        uri for uri, _, label in (each.partition(" ") for each in uris) if label == "Debian"
    )


def reaching_packages() -> Mapping[str, str]:
    """Return what pip needs in its environment to reach the registry that this machine uses."""
    index = subprocess.run(
        ["pip", "config", "get", "global.index-url"], capture_output=True, text=True
    ).stdout.strip()
    found = {name: os.environ[name] for name in ("PIP_INDEX_URL",) if name in os.environ}
    return {"PIP_CERT": f"/{CERTIFICATES}", **({"PIP_INDEX_URL": index} if index else {}), **found}


def _certificates() -> str:
    return ssl.get_default_verify_paths().cafile or "/etc/ssl/certs/ca-certificates.crt"


def _run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}:\n{done.stdout}{done.stderr}"
    return done.stdout
