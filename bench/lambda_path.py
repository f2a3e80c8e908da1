"""What the Lambda functions take beside S3 and DynamoDB: `python -m bench.lambda_path`.

The handlers are those of `functions/`, whole, with a store in memory in the place of AWS.
"""

import json
import os
import runpy
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from importlib.util import find_spec
from itertools import count, islice
from statistics import median
from time import perf_counter
from typing import Any
from unittest.mock import patch
from uuid import uuid4

from .figures import quantile
from .quiet import uncollected
from .servers import ROOT

Event = dict[str, Any]
Handler = Callable[[Event, "Context"], Any]

FUNCTIONS = ("append", "read", "manage")
IMPORTS = 7
"""Fresh processes that import a function's module; the median counts."""

INVOCATIONS = 2_000
WARM_UP = 200
LAST = WARM_UP + INVOCATIONS - 1
"""Index of the last chunk that the appends have made."""

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none",
    "AWS_DEFAULT_REGION": "us-east-1",
    "RUNSTREAMS_BUCKET": "streams",
    "RUNSTREAMS_TABLE": "streams",
    "RUNSTREAMS_SECRET_KEY": "a-secret-key-for-events",
    "POWERTOOLS_SERVICE_NAME": "bench",
}

IMPORT = """
from time import perf_counter, process_time
began, used = perf_counter(), process_time()
import app
print(perf_counter() - began, process_time() - used)
"""


class Context:
    """What Lambda tells a handler about an invocation."""

    function_name = "streams"
    function_version = "$LATEST"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:streams"
    aws_request_id = "00000000-0000-4000-8000-000000000000"
    tenant_id = None

    def get_remaining_time_in_millis(self) -> int:
        return 29_000


def main() -> int:
    """Measure, print, and return the exit code."""
    missing = [module for module in ("aws_lambda_powertools", "mangum") if not find_spec(module)]
    if missing:
        print(f"skipped: Lambda path: {' and '.join(missing)} not installed")
        return 0
    for name in FUNCTIONS:
        whole, processor = (seconds * 1000 for seconds in import_seconds(name))
        print(f"import of functions/{name}: {whole:.0f} ms ({processor:.0f} ms of processor)")
    for what, times in invocation_times().items():
        p50, p99 = (quantile(times, share) * 1000 for share in (0.5, 0.99))
        print(f"{what}: {p50:.2f} ms (p99 {p99:.2f} ms)")
    return 0


def import_seconds(name: str) -> tuple[float, float]:
    """Return how long a fresh process takes to import a function's module, and how much of the
    processor.
    """
    runs = [_import_once(name) for _ in range(IMPORTS)]
    return median(whole for whole, _ in runs), median(processor for _, processor in runs)


def _import_once(name: str) -> tuple[float, float]:
    done = subprocess.run(
        (sys.executable, "-c", IMPORT),
        cwd=ROOT / "functions" / name,
        env={**os.environ, **ENVIRONMENT, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        check=True,
        text=True,
    )
    whole, processor = done.stdout.split()
    return float(whole), float(processor)


def invocation_times() -> dict[str, list[float]]:
    """Return how long the handlers take; what they log goes nowhere."""
    with (
        memory_in_place_of_aws(),
        uncollected(),
        open(os.devnull, "w") as nowhere,
        redirect_stdout(nowhere),
    ):
        append, read = _handler("append"), _handler("read")
        return {
            "append of one 100 B chunk": _times(append, appends()),
            "poll that brings one chunk": _times(read, polls(f"start={LAST}&wait=0")),
            "poll that finds nothing new": _times(read, polls("start=tail&wait=0")),
        }


@contextmanager
def memory_in_place_of_aws() -> Iterator[None]:
    """Let the functions keep their streams in this process, all of them the same ones."""
    sys.path.insert(0, str(ROOT / "src"))
    from runstreams.stores.aws import AwsStore
    from runstreams.stores.memory import MemoryStore

    store = MemoryStore(lambda: uuid4().hex)
    with (
        patch.dict(os.environ, ENVIRONMENT),
        patch.object(AwsStore, "from_environment", lambda **_: store),
    ):
        yield


def appends() -> Iterator[Event]:
    """Yield appends of one client, one chunk each."""
    event = _event("write")
    chunk = json.dumps({"text": "x" * 89})
    event |= {"body": chunk + "\n", "isBase64Encoded": False}
    event["headers"] |= {"x-client-id": "bench", "content-length": str(len(chunk) + 1)}
    for number in count():
        event["headers"]["x-resume-from-chunk"] = str(number)
        yield event


def polls(query: str) -> Iterator[Event]:
    """Yield long polls with *query*."""
    event = _event("read") | {"rawQueryString": query}
    while True:
        yield event


def _event(name: str) -> Event:
    found: Event = json.loads((ROOT / "events" / f"{name}.json").read_text())
    return found


def _handler(name: str) -> Handler:
    handler: Handler = runpy.run_path(str(ROOT / "functions" / name / "app.py"))["handler"]
    return handler


def _times(handler: Handler, events: Iterator[Event]) -> list[float]:
    times, context = list[float](), Context()
    for event in islice(events, WARM_UP + INVOCATIONS):
        began = perf_counter()
        answer = handler(event, context)
        times.append(perf_counter() - began)
        if answer["statusCode"] != 200:
            raise SystemExit(f"the function answered {answer}")
    return times[WARM_UP:]


if __name__ == "__main__":
    sys.exit(main())
