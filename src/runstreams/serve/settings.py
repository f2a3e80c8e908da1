"""What can be set about a local server, each as a flag and as an environment variable."""

import argparse
import logging
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..core.limits import Limits
from ..core.origins import origins_of
from ..core.settings import (
    EPOCH,
    INLINE_BYTES,
    LIMITS,
    POLL_MS,
    RETENTION_DAYS,
    RUN_MAX_STREAMS,
    STREAM_MAX_BYTES,
    between,
    limits_of,
    one_of,
    switch,
)
from .errors import CannotRun

_LOG_LEVELS = ("debug", "info", "warning", "error")
_INJECTED = re.compile(r"(tcp|udp|sctp)://")
"""How Kubernetes begins what it puts into `RUNSTREAMS_PORT` of every pod beside a Service that is
called runstreams.
"""

_LOOPBACK = ("127.0.0.1", "::1", "localhost")
"""Addresses that only this machine reaches."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that whoever runs a local server may decide."""

    host: str = "127.0.0.1"
    port: int = 8787
    data: Path = Path(".runstreams")
    aws: bool = False
    power_safe: bool = False
    retention_days: float | None = None
    stream_max_bytes: int | None = None
    run_max_streams: int | None = None
    epoch: int | None = None
    inline_bytes: int | None = None
    poll_ms: int | None = None
    token_max_readers: int = 1_000
    anonymous: bool = False
    reads_only: bool = False
    workers: int = 1
    allowed_origins: tuple[str, ...] = ("*",)
    log_level: str = "warning"
    ready_file: Path | None = None

    def limits(self, deployed: Callable[[], Mapping[str, Any]] = dict) -> Limits:
        """Return the limits of every stream; those that are not set, as *deployed* tells."""
        limits = (option for option in OPTIONS if option.variable in LIMITS)
        given = {option.variable: getattr(self, option.name) for option in limits}
        return limits_of(given, deployed=deployed)


@dataclass(frozen=True, slots=True)
class Option:
    """How one setting is given: `--flag VALUE` (or `--flag` and `--no-flag` where *value* is
    None), or else in the environment.
    """

    name: str
    value: str | None
    parse: Callable[[str], Any]
    help: str

    @property
    def flag(self) -> str:
        return "--" + self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        return "RUNSTREAMS_" + self.name.upper()

    def from_flag(self, text: str) -> Any:
        """Return what *text* means, as argparse wants it."""
        try:
            return self.parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None


def add_options(parser: argparse.ArgumentParser, *names: str) -> None:
    """Let *parser* take the options *names*, or all."""
    for option in OPTIONS:
        if names and option.name not in names:
            continue
        how: dict[str, Any] = {"action": argparse.BooleanOptionalAction}
        if option.value is not None:
            how = {"type": option.from_flag, "metavar": option.value}
        text = f"{option.help} [{option.variable}]"
        parser.add_argument(option.flag, default=argparse.SUPPRESS, help=text, **how)


def settings_of(args: argparse.Namespace, environ: Mapping[str, str]) -> Settings:
    """Return what the command line says, and where it is silent, the environment. Raises
    `CannotRun`.
    """
    given: dict[str, Any] = {}
    for option in OPTIONS:
        if hasattr(args, option.name):
            given[option.name] = getattr(args, option.name)
        elif (text := environ.get(option.variable)) and not _is_injected(option, text):
            try:
                given[option.name] = option.parse(text)
            except ValueError as error:
                raise CannotRun(f"{option.variable}: {error}") from None
    return Settings(**given)


def check_anonymous(settings: Settings) -> None:
    """Raise `CannotRun` for a server that whoever reaches it could use without a key."""
    if settings.anonymous and settings.host not in _LOOPBACK:
        raise CannotRun(f"without a key only this machine is served, not {settings.host}")


def _is_injected(option: Option, text: str) -> bool:
    injected = option.name == "port" and _INJECTED.match(text) is not None
    if injected:
        logger.warning("%s=%s is of Kubernetes, not for us: ignored", option.variable, text)
    return injected


def _workers(text: str) -> int:
    if text.lower() == "auto":
        return _processors()
    return between(int, 1, 256)(text)


def _processors() -> int:
    """Return how many processors this process may use, which a container makes fewer."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


OPTIONS = (
    Option("host", "ADDRESS", str, "address to listen on (127.0.0.1)"),
    Option("port", "PORT", between(int, 0, 65_535), "port to listen on; 0 takes a free one (8787)"),
    Option("data", "DIR", Path, "folder of the streams and the secret key (.runstreams)"),
    Option("aws", None, switch, "keep the streams in S3 and DynamoDB instead of the folder"),
    Option("power_safe", None, switch, "answer an append only when it would survive a power cut"),
    Option("retention_days", "DAYS", LIMITS[RETENTION_DAYS], "how long a chunk can be read (28)"),
    Option(
        "stream_max_bytes",
        "BYTES",
        LIMITS[STREAM_MAX_BYTES],
        "most bytes of one stream, 0: no limit (314572800)",
    ),
    Option(
        "run_max_streams",
        "NUMBER",
        LIMITS[RUN_MAX_STREAMS],
        "most streams that a run opens within a retention period, 0: no limit (10000)",
    ),
    Option("epoch", "NUMBER", LIMITS[EPOCH], "how often the table was restored, with --aws (0)"),
    Option(
        "inline_bytes",
        "BYTES",
        LIMITS[INLINE_BYTES],
        "largest append that lies in the table, with --aws, 0: none does (1024)",
    ),
    Option(
        "poll_ms",
        "MS",
        LIMITS[POLL_MS],
        "shortest pause between two looks of a waiting reader, with --aws (100)",
    ),
    Option(
        "token_max_readers",
        "NUMBER",
        between(int, 0, 2**31),
        "most readers that wait with one public token, 0: no limit (1000)",
    ),
    Option("anonymous", None, switch, "speak Durable Streams without a key; on loopback only"),
    Option("reads_only", None, switch, "serve readers, and nothing else"),
    Option("workers", "NUMBER", _workers, "processes that serve, or auto: one a processor (1)"),
    Option("allowed_origins", "LIST", origins_of, "web origins that may read, split by commas (*)"),
    Option("log_level", "LEVEL", one_of(*_LOG_LEVELS), "debug, info, warning or error (warning)"),
    Option("ready_file", "FILE", Path, "write URL, port and process id here once ready"),
)
