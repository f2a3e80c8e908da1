"""Run the demo: `runstreams demo`."""

import asyncio
import sys

import httpx

from . import server
from .checks import check
from .screen import Screen
from .story import tell


def main() -> int:
    """Tell the story and check it; return the exit code."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(encoding="utf-8")
    screen = Screen()
    try:
        with server.running() as (url, key):
            screen.note(f"A server runs at {url}, its streams in a folder of its own.")
            asyncio.run(_tell(url, key, screen))
    except KeyboardInterrupt:
        print("\nstopped; nothing is left behind", flush=True)
        return 130
    screen.note("Something is wrong." if screen.failed else "Every chunk is there once, in order.")
    return 1 if screen.failed else 0


async def _tell(url: str, key: str, screen: Screen) -> None:
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=30) as http:
        await check(await tell(http, screen), screen)
