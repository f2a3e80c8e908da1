"""Tokens that a browser may have."""

from collections.abc import Callable, Iterable

from .connection import Connection


class Auth:
    """Makes public tokens with a client's secret key. Nothing is sent, so nothing is awaited."""

    def __init__(self, connect: Callable[[], Connection]) -> None:
        self._connect = connect

    def create_public_token(
        self,
        *,
        read: Iterable[str] = (),
        write: Iterable[str] = (),
        stop: Iterable[str] = (),
        manage: Iterable[str] = (),
        expires_in: float | str = "15m",
    ) -> str:
        """Return a token that allows what is named: a run by its id, a stream by `run/key`, all
        runs by `*`.

        *expires_in* is a number of seconds, or like `"90s"`, `"15m"`, `"1h"`, `"7d"`. Raises
        `InvalidSetting`, `InvalidName`.
        """
        granted = {"read": read, "write": write, "stop": stop, "manage": manage}
        return self._connect().public_token(granted, expires_in)
