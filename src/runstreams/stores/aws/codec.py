"""How heads, moved-out clients and runs look in the table: each has its pair of functions here."""

import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from ...core.entries import decode_book, decode_charter, encode_book, encode_charter
from ...core.forks import decode_fork, encode_fork
from ...core.model import (
    Charter,
    Closed,
    Fence,
    ForkRef,
    Head,
    Lease,
    Run,
    Sent,
    Span,
    Status,
    StreamId,
)
from ...core.superseding import decode_spans, encode_spans
from .pointers import decode_pointers, encode_pointer
from .values import (
    FENCED_HEAD,
    check_form,
    form,
    head_form,
    number,
    number_or_null,
    optional_number,
    text,
    ttl,
)
from .writers import decode_clients, encode_clients

if TYPE_CHECKING:
    from .values import Item, Value

SHARDS = 8
"""Parts of the index of recent runs: each takes 1,000 new runs a second."""


STATE = (
    *("v", "g", "opened", "expires", "tail", "sealed", "sealed_time", "size", "appended", "before"),
    *("spills", "stop", "inline", "closed", "lease", "lease_ms", "lease_by", "charter"),
    *("fork", "forks", "fence", "fence_at", "superseded", "superseded_to"),
)
"""The attributes of a head that do not grow with its batches and its writers."""


def once_attribute(once: str) -> str:
    """Return the name of the attribute that holds the first index of a one-shot append."""
    return f"o.{once}"


def encode_head(head: Head) -> "Item":
    """Return the item of *head*, without its key.

    The list of pointers, the count of spills and the times of appends are always there, since an
    expression cannot take the size, the sum or the copy of what is absent.
    """
    forks, fenced = bool(head.fork or head.forks), bool(head.fence or head.superseded)
    item: Item = {
        "v": head_form(head.generation, head.inlined is not None, forks, fenced),
        "g": text(head.generation),
        "opened": number(head.created),
        "expires": number(head.expires),
        "ttl": ttl(head.expires),
        "tail": number(head.tail),
        "sealed": number(head.sealed),
        "sealed_time": number(head.sealed_time),
        "size": number(head.size),
        "appended": number_or_null(head.appended),
        "before": number_or_null(head.appended_before),
        "p": {"L": [text(encode_pointer(pointer)) for pointer in head.pending]},
        "spills": number(head.spills),
        "stop": {"BOOL": head.stop},
    }
    if head.inlined is not None:
        item["inline"] = number(head.inlined)
    if head.closed is not None:
        item["closed"] = encode_closed(head.closed, head.closed_by_run)
    item |= _encode_lease(head.lease)
    if head.charter is not None:
        item |= _encode_charter(head.charter)
    if head.book is not None:
        item["book"] = text(encode_book(head.book))
    if head.fork is not None:
        item["fork"] = text(encode_fork(head.fork))
    if head.forks:
        item["forks"] = number(head.forks)
    if head.fence is not None:
        item |= encode_fence(head.fence)
    if head.superseded:
        item |= encode_superseded(head.superseded)
    if head.is_buried:
        item["buried"] = {"BOOL": True}
    item |= encode_clients(head.generation, head.clients)
    for once, index in head.once.items():
        item[once_attribute(once)] = number(index)
    return item


def decode_head(item: "Mapping[str, Value]") -> Head:
    """Return the head that *item* holds, or what is there of it."""
    check_form(item, FENCED_HEAD)
    opened, sealed, sealed_time = (
        int(item[name]["N"]) for name in ("opened", "sealed", "sealed_time")
    )
    pointers = [pointer["S"] for pointer in item["p"]["L"]] if "p" in item else []
    pending = decode_pointers(pointers, sealed, max(sealed_time, opened))
    closed, by_run = _closed(item)
    return Head(
        generation=item["g"]["S"],
        created=opened,
        expires=int(item["expires"]["N"]),
        tail=int(item["tail"]["N"]),
        sealed=sealed,
        sealed_time=sealed_time,
        size=int(item["size"]["N"]),
        appended=optional_number(item["appended"]),
        unsealed=len(pending),
        pending=pending,
        clients=decode_clients(item),
        once={name[2:]: int(value["N"]) for name, value in item.items() if name[:2] == "o."},
        spills=int(item["spills"]["N"]),
        closed=closed,
        closed_by_run=by_run,
        stop=item["stop"]["BOOL"],
        appended_before=optional_number(item["before"]),
        lease=_lease(item),
        charter=decode_charter(item["charter"]["S"]) if "charter" in item else None,
        book=decode_book(item["book"]["S"]) if "book" in item else None,
        inlined=int(item["inline"]["N"]) if "inline" in item else None,
        fork=decode_fork(item["fork"]["S"]) if "fork" in item else None,
        forks=_number(item, "forks"),
        fence=_fence(item),
        superseded=_superseded(item),
    )


def encode_fence(fence: Fence) -> "Item":
    """Return the attributes of *fence*; *form* tells whoever counts a fork which form it stays."""
    return {
        "fence": number(fence.number),
        "fence_at": number(fence.since),
        "form": number(FENCED_HEAD),
    }


def _fence(item: "Mapping[str, Value]") -> Fence | None:
    if "fence" not in item:
        return None
    return Fence(int(item["fence"]["N"]), int(item["fence_at"]["N"]))


def encode_superseded(spans: tuple[Span, ...]) -> "Item":
    """Return the attributes of *spans*, at least one, and of the form, as for a fence."""
    return {
        "superseded": text(encode_spans(spans)),
        "superseded_to": number(spans[-1].end),
        "form": number(FENCED_HEAD),
    }


def _superseded(item: "Mapping[str, Value]") -> tuple[Span, ...]:
    if "superseded" not in item:
        return ()
    return decode_spans(item["superseded"]["S"], int(item["superseded_to"]["N"]))


def encode_closed(closed: Closed, by_run: bool) -> "Value":
    """Return how a stream ended, and whether with its run, as one attribute."""
    value: Item = {"status": text(closed.status), "by_run": {"BOOL": by_run}}
    if closed.error is not None:
        value["error"] = text(closed.error)
    if closed.code is not None:
        value["code"] = text(closed.code)
    return {"M": value}


def _closed(item: "Mapping[str, Value]") -> tuple[Closed | None, bool]:
    if "closed" not in item:
        return None, False
    value = item["closed"]["M"]
    status = cast(Status, value["status"]["S"])
    closed = Closed(status, _text(value, "error"), _text(value, "code"))
    return closed, value["by_run"]["BOOL"]


def _encode_charter(charter: Charter) -> "Item":
    item: Item = {"charter": text(encode_charter(charter))}
    return item | {"guarded": {"BOOL": True}} if charter.guards else item


def _encode_lease(lease: Lease | None) -> "Item":
    if lease is None:
        return {}
    return {
        "lease": number(lease.until),
        "lease_ms": number(lease.ms),
        "lease_by": text(lease.holder),
    }


def _lease(item: "Mapping[str, Value]") -> Lease | None:
    if "lease" not in item:
        return None
    return Lease(int(item["lease"]["N"]), int(item["lease_ms"]["N"]), item["lease_by"]["S"])


def _text(item: "Mapping[str, Value]", name: str) -> str | None:
    return item[name]["S"] if name in item else None


def encode_sent(sent: Sent, expires: int) -> "Item":
    """Return the item of a client that moved out of its head, without its key."""
    return {
        "v": form(),
        "number": number(sent.number),
        "index": number(sent.index),
        "ttl": ttl(expires),
    }


def decode_sent(item: "Mapping[str, Value]") -> Sent:
    """Return how far a client that moved out of its head had come."""
    check_form(item)
    return Sent(int(item["number"]["N"]), int(item["index"]["N"]))


def encode_fork_ref(fork: ForkRef) -> "Item":
    """Return the item of a stream that was forked from another, without its key."""
    return {
        "v": form(),
        "fork_run": text(fork.stream.run),
        "fork_key": text(fork.stream.key),
        "fork_g": text(fork.generation),
        "expires": number(fork.expires),
        "ttl": ttl(fork.expires),
    }


def decode_fork_ref(item: "Mapping[str, Value]") -> ForkRef:
    """Return what `encode_fork_ref` was given."""
    check_form(item)
    stream = StreamId(item["fork_run"]["S"], item["fork_key"]["S"])
    return ForkRef(stream, item["fork_g"]["S"], int(item["expires"]["N"]))


def encode_run(run: Run) -> "Item":
    """Return the item of *run*, without its key; its *shard* and *created* put it into the index
    of recent runs.
    """
    item: Item = {
        "v": form(),
        "shard": text(shard(run.id)),
        "created": text(place(run.created, run.id)),
        "expires": number(run.expires),
        "ttl": ttl(run.expires),
    }
    said = {"parent": run.parent, "root": run.root, "status": run.status, "error": run.error}
    item |= {name: text(value) for name, value in said.items() if value is not None}
    if run.completed is not None:
        item["completed"] = number(run.completed)
    if run.counted:
        item |= {"streams": number(run.streams), "counted": number(run.counted)}
    return item | _encode_lease(run.lease)


def decode_run(item: "Mapping[str, Value]") -> Run:
    """Return the run that *item* records."""
    check_form(item)
    completed = int(item["completed"]["N"]) if "completed" in item else None
    # An older record does not say how its run was completed.
    status = _text(item, "status") or ("completed" if completed is not None else None)
    return Run(
        id=item["run"]["S"],
        created=int(item["created"]["S"].partition("#")[0]),
        expires=int(item["expires"]["N"]),
        parent=_text(item, "parent"),
        root=_text(item, "root"),
        completed=completed,
        status=cast("Status | None", status),
        error=_text(item, "error"),
        lease=_lease(item),
        streams=_number(item, "streams"),
        counted=_number(item, "counted"),
    )


def _number(item: "Mapping[str, Value]", name: str) -> int:
    return int(item[name]["N"]) if name in item else 0


def place(created: int, run: str) -> str:
    """Return where a run stands among the others of its shard; as text it sorts by time, then
    id.
    """
    return f"{created:015d}#{run}"


def shard(run: str) -> str:
    """Return the part of the index of recent runs that a run is in."""
    return str(zlib.crc32(run.encode()) % SHARDS)
