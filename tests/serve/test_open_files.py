"""The limit of open files is raised as far as this process may."""

import os
import subprocess
import sys
from pathlib import Path

SCRIPT = """
import os, resource
from runstreams.serve.open_files import raise_limit
resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))
os.setuid({user})
print(raise_limit(4096))
"""
CAP_SYS_RESOURCE = 1 << 24
NOBODY = 65_534


def raised(soft: int, hard: int, user: int | None = None) -> int:
    script = SCRIPT.format(soft=soft, hard=hard, user=os.getuid() if user is None else user)
    return int(subprocess.check_output([sys.executable, "-c", script]))


def may_raise_hard_limits() -> bool:
    status = Path("/proc/self/status").read_text()
    return bool(int(status.partition("CapEff:")[2].split()[0], 16) & CAP_SYS_RESOURCE)


def test_a_soft_limit_is_raised_as_far_as_wanted() -> None:
    assert raised(256, 8192) == 4096


def test_a_higher_limit_is_left_alone() -> None:
    assert raised(8192, 8192) == 8192


def test_root_raises_the_hard_limit_too() -> None:
    """In some containers not even root may."""
    assert raised(256, 1024) == (4096 if may_raise_hard_limits() else 1024)


def test_nobody_gets_no_more_than_the_hard_limit() -> None:
    user = NOBODY if os.getuid() == 0 else os.getuid()
    assert raised(256, 1024, user) == 1024
