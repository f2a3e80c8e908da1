"""What a power failure leaves: a log that breaks off anywhere, with rubbish behind."""

import shutil
from pathlib import Path

import pytest

from runstreams.core.model import Closed
from tests.stores.sqlite_log import STREAM, opened

APPENDS = 30


@pytest.fixture
async def written(tmp_path: Path) -> Path:
    """The files of a store that was never closed, nothing of them written back."""
    left = tmp_path / "left"
    async with opened(tmp_path / "data") as log:
        for number in range(APPENDS):
            await log.append(b"%d" % number + b"0" * 2000, "client", number)
        left.mkdir()
        for name in ("streams.sqlite", "streams.sqlite-wal"):
            shutil.copy(tmp_path / "data" / name, left)
    return left


@pytest.mark.parametrize("rubbish", [b"", b"\x00" * 5000, b"rubbish" * 1000])
@pytest.mark.parametrize("share", [1.0, 0.9, 0.5, 0.2])
async def test_what_is_left_is_the_beginning_of_what_was_written(
    written: Path, share: float, rubbish: bytes
) -> None:
    """Nothing is missing in between, and the client goes on where that ends."""
    log_file = written / "streams.sqlite-wal"
    kept = log_file.read_bytes()
    log_file.write_bytes(kept[: int(len(kept) * share)] + rubbish)

    async with opened(written) as log:
        chunks = await log.everything()
        numbers = [int(chunk.data[:-2000]) for chunk in chunks]
        assert numbers == list(range(len(numbers)))
        assert len(numbers) > APPENDS * (share - 0.2)
        assert (len(numbers) == APPENDS) == (share == 1.0)
        assert await log.log.last_number(STREAM, "client") == len(numbers) - 1

        for number in range(len(numbers), APPENDS):
            await log.append(b"%d" % number + b"0" * 2000, "client", number)
        await log.log.close(STREAM, Closed("completed"))
        assert [chunk.index for chunk in await log.everything()] == list(range(APPENDS))
