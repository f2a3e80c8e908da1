"""SAM's commands, for the processor of this machine."""

import os
import platform
import subprocess
from pathlib import Path

from runstreams.core.limits import KIB
from tests import tools
from tests.functions.handlers import ENVIRONMENT
from tests.tools import ROOT

ARCHITECTURE = "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64"


def sam(*arguments: str | Path, **environment: str) -> str:
    """Run a sam command and return what it prints."""
    command = tools.find("sam")
    assert command is not None
    done = subprocess.run(
        [command, *arguments],
        cwd=ROOT,
        env={
            **os.environ,
            **ENVIRONMENT,
            "PATH": f"{command.parent}:{os.environ['PATH']}",
            "SAM_CLI_TELEMETRY": "0",
            **environment,
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def build(folder: Path) -> Path:
    """Fill *folder* with what would be deployed, and return it."""
    sam("build", "--build-dir", folder, ARCHITECTURE=ARCHITECTURE)
    return folder


def deploy(built: Path, endpoint: str) -> None:
    """Deploy what was built to the CloudFormation at *endpoint*; INLINE_BYTES in the environment
    says how large an append may lie in the table.
    """
    sam(
        "deploy",
        "--template-file",
        built / "template.yaml",
        "--config-file",
        ROOT / "samconfig.toml",
        "--no-confirm-changeset",
        "--parameter-overrides",
        f"Architecture={ARCHITECTURE}",
        f"EndpointUrl={endpoint}",
        f"InlineBytes={os.environ.get('INLINE_BYTES', KIB)}",
        "StreamEndpoint=none",  # the adapter's layer is not there
        AWS_ENDPOINT_URL=endpoint,
    )
