"""The secret key: from the environment, or made once and kept to oneself."""

import os
import stat
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from runstreams.serve.errors import CannotRun
from runstreams.serve.folder import open_folder
from runstreams.serve.secret_key import FILE, secret_key

STARTERS = 8


def test_the_environments_key_is_used_and_none_is_made(tmp_path: Path) -> None:
    assert secret_key(tmp_path, {"RUNSTREAMS_SECRET_KEY": "mine"}) == "mine"
    assert list(tmp_path.iterdir()) == []


def test_a_key_is_made_once_and_used_again(tmp_path: Path) -> None:
    first = secret_key(tmp_path, {})
    assert len(first) >= 32
    assert secret_key(tmp_path, {"RUNSTREAMS_SECRET_KEY": ""}) == first
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_two_folders_have_two_keys(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert secret_key(tmp_path / "a", {}) != secret_key(tmp_path / "b", {})


def test_nobody_else_may_read_the_folder_or_the_key(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "data"
    before = os.umask(0)
    try:
        open_folder(folder)
        secret_key(folder, {})
    finally:
        os.umask(before)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / FILE).stat().st_mode) == 0o600


def test_processes_that_start_at_once_agree_on_the_key(tmp_path: Path) -> None:
    with ProcessPoolExecutor(STARTERS, mp_context=get_context("spawn")) as pool:
        keys = set(pool.map(secret_key, [tmp_path] * STARTERS, [{}] * STARTERS))
    assert len(keys) == 1
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_white_space_around_a_key_is_dropped(tmp_path: Path) -> None:
    """A key ends with a newline where somebody has written it with echo."""
    assert secret_key(tmp_path, {"RUNSTREAMS_SECRET_KEY": " mine\n"}) == "mine"
    (tmp_path / FILE).write_text("\tmine \r\n")
    assert secret_key(tmp_path, {}) == "mine"


@pytest.mark.parametrize("key", [" ", "\n", "\t \r\n"])
def test_a_blank_key_is_refused(tmp_path: Path, key: str) -> None:
    with pytest.raises(CannotRun, match="RUNSTREAMS_SECRET_KEY is empty: give it a key"):
        secret_key(tmp_path, {"RUNSTREAMS_SECRET_KEY": key})
    (tmp_path / FILE).write_text(key)
    with pytest.raises(CannotRun, match="secret-key is empty: remove it"):
        secret_key(tmp_path, {})


@pytest.mark.parametrize("key", [b"a\nb", b"a\x00b", b"a\tb", "žluťoučký".encode(), b"a\xffb"])
def test_a_key_that_no_client_could_show_is_refused(tmp_path: Path, key: bytes) -> None:
    with pytest.raises(CannotRun, match="RUNSTREAMS_SECRET_KEY: a secret key is one line of"):
        secret_key(tmp_path, {"RUNSTREAMS_SECRET_KEY": os.fsdecode(key)})
    (tmp_path / FILE).write_bytes(key)
    with pytest.raises(CannotRun, match="secret-key: a secret key is one line of printable"):
        secret_key(tmp_path, {})


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o620])
def test_a_key_that_others_can_use_is_worth_a_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, mode: int
) -> None:
    """It is left as it is: whoever made it so may rely on it."""
    key = secret_key(tmp_path, {})
    assert not caplog.records
    (tmp_path / FILE).chmod(mode)
    assert secret_key(tmp_path, {}) == key
    assert caplog.messages == [
        f"others can use the secret key in {tmp_path / FILE}: chmod 600 keeps it"
    ]
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == mode
