"""`runstreams ls`: runs, or the streams of one."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict

from ..core.limits import WRITERS_COUNTED
from ..core.model import RunInfo, StreamInfo
from ..sdk.clients import Client
from .colour import state
from .connecting import client_of
from .exits import DONE
from .times import moment


def run(args: argparse.Namespace) -> int:
    """Print them, one a line. Raises `NotThere`."""
    found: Sequence[RunInfo | StreamInfo]
    with client_of(args) as client:
        found = streams_of(client, args.run) if args.run else _runs(client, args)
    if args.json:
        for info in found:
            print(json.dumps(asdict(info), ensure_ascii=False))
        return DONE
    print(_STREAMS_HEAD if args.run else _RUNS_HEAD)
    for info in found:
        print(_stream(info) if isinstance(info, StreamInfo) else _run(info))
    return DONE


def streams_of(client: Client, run: str) -> list[StreamInfo]:
    """Return the streams of a run, by key. Raises `NotThere` for one that nobody knows."""
    found = client.streams.list(run)
    if not found:
        client.streams.describe_run(run)
    return found


def _runs(client: Client, args: argparse.Namespace) -> list[RunInfo]:
    return client.streams.runs(args.limit, status=args.status)


_COUNTS_HEAD = f"{'CHUNKS':>10} {'BYTES':>12} {'WRITERS':>8}"
_STREAMS_HEAD = f"{_COUNTS_HEAD}  {'STATE':9}  {'LAST APPENDED':24}  KEY"
_RUNS_HEAD = f"{'CREATED':24}  {'STATE':9}  RUN"


def _stream(info: StreamInfo) -> str:
    stand = info.closed.status if info.closed else "stopping" if info.stop else "open"
    last = moment(info.last_append) if info.last_append is not None else "-"
    writers = str(info.writers) if info.writers < WRITERS_COUNTED else f"{info.writers}+"
    counts = f"{info.tail:>10} {info.bytes:>12} {writers:>8}"
    return f"{counts}  {state(stand, sys.stdout)}  {last:24}  {info.key}"


def _run(info: RunInfo) -> str:
    return f"{moment(info.created)}  {state(info.status, sys.stdout)}  {info.id}"
