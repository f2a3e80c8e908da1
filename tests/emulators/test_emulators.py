"""The emulators are servers of ours, so they listen on loopback only and go when they are told."""

import socket
import urllib.request
from pathlib import Path

import pytest

from tests.emulators.fixtures import EMULATORS, PARAMETERS

LISTENING = "0A"
"""How Linux writes that a socket listens."""


def listeners() -> set[str]:
    """Return the addresses that this machine listens on, as Linux writes them."""
    tables = [Path("/proc/net", name).read_text() for name in ("tcp", "tcp6")]
    sockets = [line.split() for table in tables for line in table.splitlines()]
    return {fields[1] for fields in sockets if fields[3] == LISTENING}


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="only Linux tells it so")
@pytest.mark.parametrize("name", PARAMETERS)
def test_an_emulator_listens_on_loopback_only(name: str) -> None:
    with EMULATORS[name]() as url:
        port = int(url.rpartition(":")[2])
        mine = [address for address in listeners() if address.endswith(f":{port:04X}")]
        assert mine == [f"0100007F:{port:04X}"]


@pytest.mark.parametrize("name", PARAMETERS)
def test_an_emulator_is_gone_when_its_time_is_over(name: str) -> None:
    with EMULATORS[name]() as url:
        with urllib.request.urlopen(url) as answer:
            assert answer.status == 200
        port = int(url.rpartition(":")[2])
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
