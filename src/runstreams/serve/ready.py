"""What the server says once it is ready: to a person, and to a program."""

import json
import os
import shlex
from pathlib import Path

from .._version import __version__
from ..core.settings import SECRET_KEY
from .errors import CannotRun
from .secret_key import FILE
from .settings import Settings
from .storing import place

_WELCOME = """
runstreams {version} is ready at {url}

  dashboard   {url}/dashboard
  streams     {place}
  secret key  {key}

To try it, in another terminal:

  KEY={value}
  curl -H "Authorization: Bearer $KEY" {url}/realtime/v1/streams/run_1/self/words/append -d hello
  curl -H "Authorization: Bearer $KEY" {url}/realtime/v1/streams/run_1/words

Ctrl-C stops it.
"""


def announce(settings: Settings, url: str, key_from: str | None) -> None:
    """Say that the server is ready at *url*, and which variable its key is from, if from one."""
    print(_welcome(settings, url, key_from), flush=True)
    if settings.ready_file:
        _write(settings.ready_file, url)


def _welcome(settings: Settings, url: str, key_from: str | None) -> str:
    """Return the start message."""
    if settings.reads_only:
        return f"\nrunstreams {__version__} serves readers at {url}\n"
    file = settings.data.absolute() / FILE
    return _WELCOME.format(
        version=__version__,
        url=url,
        place=place(settings),
        key=f"from {key_from}" if key_from else file,
        value=f"${SECRET_KEY}" if key_from else f"$(cat {shlex.quote(str(file))})",
    )


def _write(path: Path, url: str) -> None:
    """Write the ready file; it appears whole. Raises `CannotRun`."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    port = int(url.rpartition(":")[2])
    try:
        draft.write_text(json.dumps({"url": url, "port": port, "pid": os.getpid()}) + "\n")
        draft.replace(path)
    except OSError as error:
        raise CannotRun(f"cannot write {path}: {error.strerror}") from error
