"""The very template, built by `sam build`, deployed by `sam deploy`, and served by MiniStack in the
place of AWS: a gateway, and functions that are processes.
"""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3

from tests.emulators.ministack import command, ministack_process
from tests.emulators.place import SETTINGS
from tests.functions.sam import build, deploy

MODULES = "import boto3, samtranslator"
"""What MiniStack needs beside itself, for the transform and for the functions."""


class Stack:
    """What the stack's outputs name."""

    def __init__(self, endpoint: str, pid: int) -> None:
        """Find the stack that was deployed at *endpoint*, which process *pid* serves."""
        self.endpoint = endpoint
        self._pid = pid
        [stack] = self.client("cloudformation").describe_stacks(StackName="runstreams")["Stacks"]
        self.outputs = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}

    @property
    def url(self) -> str:
        """The base address for clients; its host is resolved everywhere, unlike the output's."""
        name = self.outputs["ApiUrl"].removeprefix("http://").split(".")[0]
        return f"{self.endpoint}/_aws/execute-api/{name}/$default"

    @cached_property
    def secret(self) -> str:
        """The secret key, read as the output's command reads it; a rotated one is good for long."""
        words = self.outputs["SecretKeyCommand"].split()
        name = words[words.index("--secret-id") + 1]
        found: str = self.client("secretsmanager").get_secret_value(SecretId=name)["SecretString"]
        return found

    def client(self, service: Any) -> Any:
        """Return a client of the emulated *service*."""
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=SETTINGS["AWS_DEFAULT_REGION"],
            aws_access_key_id=SETTINGS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=SETTINGS["AWS_SECRET_ACCESS_KEY"],
        )

    def environments(self) -> list[int]:
        """Return the processes of the functions, which are MiniStack's children."""
        return [
            int(path.parent.name)
            for path in Path("/proc").glob("[0-9]*/stat")
            if _parent(path) == self._pid
        ]

    def kill_environments(self) -> int:
        """Kill the functions' processes in the middle of what they do; return how many."""
        found = self.environments()
        for pid in found:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return len(found)


def _parent(stat: Path) -> int:
    try:
        return int(stat.read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0  # it has just ended


def missing() -> str | None:
    """Return what is not installed that MiniStack needs to deploy the template."""
    start = command()
    if start is None:
        return "ministack"
    check = [start.parent / "python", "-c", MODULES]
    failed = subprocess.run(check, capture_output=True).returncode
    return "aws-sam-translator" if failed else None


@contextmanager
def deployed(folder: Path, port: int) -> Iterator[Stack]:
    """Build into *folder*, deploy, and serve on *port* while the context lasts."""
    built = build(folder)
    with ministack_process(port) as server:
        deploy(built, server.url)
        yield Stack(server.url, server.pid)
