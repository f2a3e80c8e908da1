"""The end of the process is promised, whatever hangs."""

import signal
import subprocess
import sys
import textwrap
import urllib.error
import urllib.request
from threading import Thread

import pytest

HANGS = textwrap.dedent("""
    import asyncio, socket, time
    import uvicorn
    from runstreams.http import Stop
    from runstreams.serve.server import GracefulServer

    async def app(scope, receive, send):
        print("asked", flush=True)
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                {when_cancelled}

    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    config = uvicorn.Config(app, lifespan="off", ws="none", log_config=None)
    asyncio.run(GracefulServer(config, Stop(), lambda: None).serve(sockets=[listener]))
    time.sleep(3600)
""")


def ask(port: int) -> None:
    with pytest.raises((urllib.error.URLError, OSError)):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/")


@pytest.mark.parametrize("when_cancelled", ["pass", "time.sleep(3600)"])
@pytest.mark.parametrize("signals", [[signal.SIGTERM], [signal.SIGINT, signal.SIGINT]])
def test_a_request_that_cannot_be_cancelled_does_not_keep_the_server(
    when_cancelled: str, signals: list[int]
) -> None:
    script = HANGS.format(when_cancelled=when_cancelled)
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as one:
        try:
            assert one.stdout is not None
            asking = Thread(target=ask, args=[int(one.stdout.readline())])
            asking.start()
            assert one.stdout.readline() == "asked\n"
            for number in signals:
                one.send_signal(number)
            assert one.wait(10) == 0
            asking.join()
        finally:
            one.kill()
