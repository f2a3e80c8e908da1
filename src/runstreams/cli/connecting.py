"""The client of a command: which server, with which key, and how patient."""

import argparse
import logging
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from ..core.settings import SECRET_KEY
from ..sdk.clients import Client
from ..sdk.errors import InvalidSetting
from ..sdk.retrying import Retries
from ..sdk.settings import base_url_of, token_of
from ..serve.secret_key import FILE
from ..serve.settings import Settings

ATTEMPTS = 5
"""Failures of a single call after which it is given up, about three seconds after the first."""

PATIENT = 64
"""The same for what goes on for long: five minutes without a server do not end it."""

HERE = ("127.0.0.1", "localhost", "::1")


def client_of(args: argparse.Namespace, attempts: int = ATTEMPTS) -> Client:
    """Return the client that the command line and the environment describe. Raises
    `InvalidSetting`.
    """
    _tell_of_retries()
    url = base_url_of(args.url, os.environ)
    token = key_of(args.key_file, url, os.environ)
    return Client(url, token, retries=Retries(attempts=args.attempts or attempts))


def key_of(file: str | None, url: str, environ: Mapping[str, str]) -> str:
    """Return the key to show to the server at *url*.

    The key that a local server keeps in its folder is shown to servers on this machine only.
    Raises `InvalidSetting`.
    """
    if file is not None:
        return _key_in(Path(file))
    if environ.get(SECRET_KEY):
        return str(token_of(None, environ))
    kept = Path(environ.get("RUNSTREAMS_DATA") or Settings().data) / FILE
    if urlsplit(url).hostname in HERE and kept.exists():
        return _key_in(kept)
    raise InvalidSetting(
        f"no key to show: set {SECRET_KEY}, give --key-file, or be where {kept} is"
    )


def _key_in(file: Path) -> str:
    try:
        key = file.read_text(encoding="utf-8-sig").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSetting(f"cannot read the key in {file}: {error}") from None
    if not key:
        raise InvalidSetting(f"{file} is empty")
    return key


def _is_about_waiting(record: logging.LogRecord) -> bool:
    return record.levelno == logging.INFO or record.name == "runstreams.connection"


def _tell_of_retries() -> None:
    """Say on stderr when a server does not answer; how a command ends is said by itself."""
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(_is_about_waiting)
    handler.setFormatter(logging.Formatter("runstreams: %(message)s"))
    logger = logging.getLogger("runstreams")
    logger.setLevel(logging.INFO)
    logger.handlers[:] = [handler]
    logger.propagate = False
