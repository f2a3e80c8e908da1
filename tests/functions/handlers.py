"""The functions' handlers, imported as Lambda imports them, in this process."""

import asyncio
import gc
import importlib.util
import json
import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pydantic import BaseModel

from runstreams.core.limits import KIB
from tests.functions.template import route_of, routes
from tests.tools import ROOT

EVENTS = ROOT / "events"
FUNCTIONS = ("append", "read", "manage")

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none",
    "AWS_DEFAULT_REGION": "us-east-1",
    "RUNSTREAMS_BUCKET": "streams",
    "RUNSTREAMS_TABLE": "streams",
    "RUNSTREAMS_SECRET_KEY": "a-secret-key-for-events",
    # It would keep our lines from other tests that look for them.
    "POWERTOOLS_LOG_DEDUPLICATION_DISABLED": "1",
}


class Context:
    """What Lambda tells a handler about an invocation."""

    function_name = "streams"
    function_version = "$LATEST"
    memory_limit_in_mb = 256
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:streams"
    aws_request_id = "00000000-0000-4000-8000-000000000000"
    tenant_id = None

    def __init__(self, seconds_left: float = 29) -> None:
        self._deadline = time.monotonic() + seconds_left

    def get_remaining_time_in_millis(self) -> int:
        return round((self._deadline - time.monotonic()) * 1000)


class Functions:
    """All functions behind their API's routes."""

    def __init__(
        self, modules: dict[str, ModuleType], loops: dict[str, asyncio.AbstractEventLoop]
    ) -> None:
        self.modules = modules
        self.loops = loops

    def name_of(self, event: dict[str, Any]) -> str:
        """Return the function that API Gateway sends *event* to."""
        http = event["requestContext"]["http"]
        return Path(routes()[route_of(http["method"], http["path"])]).name

    def send(self, event: dict[str, Any], context: Context | None = None) -> Any:
        """Return the answer to *event* of the function that it is sent to."""
        return self.modules[self.name_of(event)].handler(event, context or Context())


TOO_LARGE_FOR_THE_HEAD = f'"{"x" * KIB}"\n'
"""A body whose batch is an object."""


def event(
    name: str,
    *,
    run: str = "run_1",
    body: str | None = None,
    query: str | None = None,
    **headers: str,
) -> dict[str, Any]:
    """Return the event in `events/`, with some of it replaced; underscores in the names of
    *headers* are hyphens.
    """
    text = (EVENTS / f"{name}.json").read_text().replace("run_1", run)
    found: dict[str, Any] = json.loads(text)
    if query is not None:
        found["rawQueryString"] = query
    if body is not None:
        found |= {"body": body, "isBase64Encoded": False}
        headers["content-length"] = str(len(body.encode()))
    found["headers"] |= {key.replace("_", "-"): value for key, value in headers.items()}
    return found


@contextmanager
def imported() -> Iterator[Functions]:
    """Import the functions afresh, and clean up what importing them has changed."""
    modules, loops = {}, {}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        for name in FUNCTIONS:
            patch.setenv("POWERTOOLS_SERVICE_NAME", name)
            modules[name] = _import(name)
            loops[name] = asyncio.get_event_loop()
    gc.unfreeze()
    BaseModel.model_config.pop("defer_build", None)
    handler = logging.getLogger("runstreams").handlers[0]
    assert isinstance(handler, logging.StreamHandler)
    handler.stream = _Stdout()
    try:
        yield Functions(modules, loops)
    finally:
        asyncio.set_event_loop(None)
        for loop in loops.values():
            loop.close()
        _forget_logger()


def _import(name: str) -> ModuleType:
    path = ROOT / "functions" / name / "app.py"
    spec = importlib.util.spec_from_file_location(f"functions_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class _Stdout:
    """Whatever is the standard output at the moment; each test has one of its own."""

    def write(self, text: str) -> int:
        return sys.stdout.write(text)

    def flush(self) -> None:
        sys.stdout.flush()


def _forget_logger() -> None:
    logger = logging.getLogger("runstreams")
    logger.handlers.clear()
    logger.setLevel(logging.NOTSET)
    for attribute in [name for name in vars(logger) if name.startswith(("init", "powertools"))]:
        delattr(logger, attribute)
