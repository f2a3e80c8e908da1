"""Programs of users, run as processes of their own."""

import subprocess
import sys
import textwrap

from tests.serve.process import ServerProcess, clean_environ

PATIENCE = 30
"""Seconds after which a program hangs."""

BEGIN = """
import os, sys, threading, time
from runstreams import streams

def slowly(end, seconds=0.01):
    for value in range(end):
        yield value
        time.sleep(seconds)
"""


class Program:
    """A Python program that uses the SDK with *server*."""

    def __init__(self, server: ServerProcess, run: str, text: str) -> None:
        # By name rather than by number, so that it has to be looked up, as with a real server.
        url = server.url.replace("127.0.0.1", "localhost")
        environ = clean_environ() | {
            "RUNSTREAMS_URL": url,
            "RUNSTREAMS_SECRET_KEY": server.secret,
            "RUNSTREAMS_RUN_ID": run,
            "PYTHONWARNINGS": "error",
        }
        self.process = subprocess.Popen(
            [sys.executable, "-c", BEGIN + textwrap.dedent(text)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environ,
        )

    def line(self) -> str:
        """Return the next line it prints."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().rstrip("\n")

    def complaint(self) -> str:
        """Return the next line of its complaints."""
        assert self.process.stderr is not None
        return self.process.stderr.readline().rstrip("\n")

    def end(self) -> tuple[int, str, str]:
        """Wait for its end; return its exit code, output and complaints."""
        try:
            said, complained = self.process.communicate(timeout=PATIENCE)
        except BaseException:
            self.process.kill()
            self.process.communicate()
            raise
        return self.process.returncode, said, complained
