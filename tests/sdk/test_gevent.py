"""Programs that gevent has patched."""

from textwrap import dedent

import pytest

from runstreams import Client
from tests.sdk.programs import Program
from tests.serve.process import ServerProcess

PATCHED_FIRST = """
from gevent import monkey
monkey.patch_all()
{use}
"""

USES = [
    "from runstreams import streams",
    "from runstreams.aio import streams",
    "import runstreams; runstreams.streams",
    "from runstreams.testing import in_memory",
]


def bare(text: str) -> str:
    """Return *text* as a program of its own, since what programs begin with imports the SDK."""
    return f"import subprocess; sys.exit(subprocess.call([sys.executable, '-c', {text!r}]))"


@pytest.mark.parametrize("use", USES)
def test_the_sdk_refuses_at_once_what_would_break_the_program_later(
    server: ServerProcess, run: str, use: str
) -> None:
    code, _, complained = Program(server, run, bare(PATCHED_FIRST.format(use=use))).end()
    assert code == 1
    last = complained.splitlines()[-1]
    assert "InvalidSetting: gevent has patched threading, select, queue" in last
    assert "patch_all(thread=False, select=False, queue=False)" in last


def test_patches_that_come_after_the_import_are_refused_too(
    server: ServerProcess, run: str
) -> None:
    text = "from gevent import monkey; monkey.patch_all(); streams.append('a')"
    code, _, complained = Program(server, run, text).end()
    assert code == 1
    assert "InvalidSetting: gevent has patched threading" in complained


def test_with_the_rest_patched_everything_works_and_asyncio_too(
    server: ServerProcess, client: Client, run: str
) -> None:
    text = """
    from gevent import monkey
    monkey.patch_all(thread=False, select=False, queue=False)
    import asyncio, gevent
    from runstreams import streams
    from runstreams.aio import streams as async_streams

    streams.append("a")
    jobs = [gevent.spawn(streams.append, "b"), gevent.spawn(streams.append, "b")]
    gevent.joinall(jobs)

    async def main():
        await async_streams.pipe(["c", "d"]).wait_until_complete()

    asyncio.run(main())
    """
    assert Program(server, run, bare(dedent(text))).end() == (0, "", "")
    assert list(client.streams.read(run, timeout=0)) == ["a", "b", "b", "c", "d"]


def test_the_server_and_the_command_do_not_mind(server: ServerProcess, run: str) -> None:
    text = "from gevent import monkey; monkey.patch_all(); import runstreams, runstreams.errors"
    assert Program(server, run, bare(text)).end() == (0, "", "")
