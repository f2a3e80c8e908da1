"""The Python SDK, in a process of its own as users have it: what it sends, how soon a reader has
it, and what it holds in memory.
"""

import asyncio
import json
import os
import sys

from .figures import Figure
from .servers import ENVIRONMENT, ROOT, SECRET
from .target import Target

PATIENCE_SECONDS = 60


class Failed(Exception):
    """The process of the SDK has failed, and why."""


async def sdk(target: Target, what: str) -> Figure:
    """Measure *what*, one of those in `sdk_load`. Raises `Failed`."""
    plan = target.plan
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.sdk_load", what),
        *(str(plan.seconds), str(plan.deliveries)),
        cwd=ROOT,
        env={
            **os.environ,
            **ENVIRONMENT,
            "RUNSTREAMS_URL": target.url,
            "RUNSTREAMS_SECRET_KEY": SECRET,
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(PATIENCE_SECONDS):
        said, errors = await process.communicate()
    if process.returncode:
        raise Failed(errors.decode()[-2000:])
    return Figure(**json.loads(said))
