"""The always-on tier for readers: three servers beside the functions, which keep the appends. They
are killed, drained and replaced meanwhile.
"""

import asyncio
import logging
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from runstreams import Client, Retries
from runstreams.aio import AsyncClient
from runstreams.serve.open_files import raise_limit
from tests.deployed.balancer import Balancer
from tests.deployed.stack import Stack
from tests.emulators.place import SETTINGS
from tests.serve.process import ServerProcess
from tests.signing import issue_token

pytestmark = [
    pytest.mark.deployed,
    pytest.mark.needs("sam", "ministack"),
    pytest.mark.timeout(900),
]

SERVERS = 3
POLLERS = 30
POLL_SECONDS, DRAIN = 1, 2
"""As with the template, whose balancer lets go of a task for longer than a poll lasts."""

TAKEN_SECONDS = 60

AGAIN = Retries(first=0.1, longest=1)


class Tier:
    """Servers of one deployment, behind a balancer."""

    def __init__(self, stack: Stack, folder: Path) -> None:
        self.balancer = Balancer()
        self._folder = folder
        self._secret = stack.secret
        self.secret_arn = stack.outputs["SecretArn"]
        self._environ = {
            **SETTINGS,
            "AWS_ENDPOINT_URL": stack.endpoint,
            "RUNSTREAMS_BUCKET": stack.outputs["BucketName"],
            "RUNSTREAMS_TABLE": stack.outputs["TableName"],
            "RUNSTREAMS_SECRET_ARN": self.secret_arn,
            "RUNSTREAMS_READS_ONLY": "on",
        }
        self._held = ExitStack()
        self.servers = [self._start() for _ in range(SERVERS)]

    def _start(self) -> ServerProcess:
        """Start one more, and let the balancer know."""
        folder = self._folder / f"s{time.monotonic_ns()}"
        server = ServerProcess(folder, "--aws", environ=self._environ, secret=self._secret)
        self._held.enter_context(server)
        self.balancer.ports.add(server.port)
        return server

    def replace(self, number: int, how: int, drain: float = 0) -> int:
        """End a server by signal *how*, start another in its place; return the exit code. The
        balancer lets go of one that is asked to end, *drain* seconds before.
        """
        server = self.servers[number]
        assert self.balancer.open[server.port], "nobody is hit"
        if how == signal.SIGTERM:  # a balancer sends nothing more to whom it lets go
            self.balancer.ports.discard(server.port)
            time.sleep(drain)
            assert not drain or not self.balancer.open[server.port], "some still wait"
        code = server.stop(how)
        self.balancer.ports.discard(server.port)
        self.servers[number] = self._start()
        return code

    def close(self) -> None:
        self._held.close()


@pytest.fixture
def tier(stack: Stack, tmp_path: Path) -> Iterator[Tier]:
    tier = Tier(stack, tmp_path)
    yield tier
    tier.close()


ENDS = (signal.SIGKILL, signal.SIGTERM, signal.SIGKILL, signal.SIGTERM, signal.SIGKILL)
"""How servers end, one after the other."""


def append_until(over: asyncio.Event, stack: Stack, run: str) -> int:
    """Append numbers through the functions' address, then close; return how many."""
    with Client(stack.url, stack.secret, retries=AGAIN) as client:
        count = 0
        while not over.is_set():
            client.streams.append("log", count, target=run)
            count += 1
        client.streams.close("log", target=run)
    return count


async def everything(client: AsyncClient, run: str, progress: list[int]) -> list[int]:
    """Return all that a reader gets until the stream's end; note in *progress* how many."""
    got = []
    async for number in client.streams.read(run, "log", timeout=None):
        got.append(number)
        progress[0] = max(progress[0], len(got))
    return got


async def more_than(progress: list[int], count: int) -> None:
    while progress[0] <= count:
        await asyncio.sleep(0.02)


async def poll_until(over: asyncio.Event, url: str, token: str, run: str) -> int:
    """Poll a silent stream, by a connection for each poll; return how many were answered."""
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    headers["Connection"] = "close"  # a balancer chooses for each request; this one cannot
    count = 0
    async with httpx.AsyncClient(base_url=url, headers=headers) as http:
        while not over.is_set():
            path = f"/realtime/v1/streams/{run}/silent?wait={POLL_SECONDS}"
            (await http.get(path)).raise_for_status()
            count += 1
    return count


async def check(tier: Tier, stack: Stack, run: str, readers: int, kills: int) -> None:
    """Assert that each of so many *readers* has every chunk once, in order."""
    over, progress = asyncio.Event(), [0]
    token = issue_token(stack.secret, [f"read:runs:{run}"], time.time(), expires_in=3600)
    appending = asyncio.create_task(asyncio.to_thread(append_until, over, stack, run))
    async with (
        tier.balancer.serving() as url,
        AsyncClient(url, token, retries=AGAIN) as client,
    ):
        reading = [asyncio.create_task(everything(client, run, progress)) for _ in range(readers)]
        try:
            while tier.balancer.open.total() < readers:
                await asyncio.sleep(0.02)
            for number, how in enumerate(ENDS[:kills]):
                await more_than(progress, progress[0] + 5)
                code = await asyncio.to_thread(tier.replace, number % SERVERS, how)
                assert code == (0 if how == signal.SIGTERM else -how)
            await more_than(progress, progress[0] + 5)
        finally:
            over.set()
        wanted = list(range(await appending))
        for got in await asyncio.gather(*reading):
            assert got == wanted


async def test_readers_have_everything_once_whatever_becomes_of_their_servers(
    stack: Stack, tier: Tier, run: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "runstreams")
    await check(tier, stack, run, readers=60, kills=2)
    assert "trying again" in caplog.text, "nobody was hit"


async def test_long_polls_under_way_are_answered_by_a_server_that_is_drained(
    stack: Stack, tier: Tier, run: str
) -> None:
    over, token = asyncio.Event(), issue_token(stack.secret, [f"read:runs:{run}"], time.time())
    async with tier.balancer.serving() as url:
        polling = [asyncio.create_task(poll_until(over, url, token, run)) for _ in range(POLLERS)]
        while tier.balancer.open.total() < POLLERS:
            await asyncio.sleep(0.02)
        try:
            for number in range(SERVERS):
                assert await asyncio.to_thread(tier.replace, number, signal.SIGTERM, DRAIN) == 0
        finally:
            over.set()
        assert min(await asyncio.gather(*polling)) >= SERVERS * DRAIN // (POLL_SECONDS + 1)


def test_each_server_takes_a_key_that_is_rotated_and_the_one_before(
    stack: Stack, tier: Tier, run: str
) -> None:
    name, secrets = tier.secret_arn, stack.client("secretsmanager")
    before = secrets.get_secret_value(SecretId=name)["SecretString"]
    new = "the-next-secret-key-of-the-tier-beside-it"
    try:
        secrets.put_secret_value(SecretId=name, SecretString=new)
        for server in tier.servers:
            until_taken(server, run, new)
            assert status(server, run, before) == 200
            assert status(server, run, f"{new}-not") != 200
    finally:  # other tests go on with the first one
        secrets.put_secret_value(SecretId=name, SecretString=stack.secret)


def until_taken(server: ServerProcess, run: str, key: str) -> None:
    """Wait until *server* has looked for a *key* that it does not know, and takes it."""
    deadline = time.monotonic() + TAKEN_SECONDS
    while status(server, run, key) != 200:
        assert time.monotonic() < deadline
        time.sleep(0.2)


def status(server: ServerProcess, run: str, key: str) -> int:
    path = f"/realtime/v1/streams/{run}/log?wait=0"
    return server.http.get(path, headers={"Authorization": f"Bearer {key}"}).status_code


@pytest.mark.soak
async def test_a_thousand_readers_do(stack: Stack, tier: Tier, run: str) -> None:
    raise_limit()  # of open files: each has three here, with the balancer's two
    await check(tier, stack, run, readers=1_000, kills=len(ENDS))
