"""What a head remembers of its latest clients, and under which names.

    /{hash}                   number and index of the client's last chunk, in one number
    w.{client}, i.{client}    the two, in streams of earlier versions

Every append pays for the bytes of the whole head, so a client takes 23 of them instead of 74. The
generation says which streams have it so. Their heads' form is one that earlier versions leave
alone, since they would not find the clients.
"""

from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import TYPE_CHECKING

from ...core.model import Sent
from .layout import is_short
from .values import number

if TYPE_CHECKING:
    from .values import Item, Value

MARK = "/"
"""How the name of a client's attribute begins; no client id contains it."""

_HASH_BYTES = 8
"""Of some hundred clients no two meet by chance, and who makes his own meet cheats himself."""

INDEXES = 10**15
"""More than any index: above it in the number is the client's own one. DynamoDB keeps 38 digits."""


def hashed(client: str) -> str:
    """Return the name of a client's attribute; a name of one stays as it is."""
    if client.startswith(MARK):
        return client
    digest = blake2b(client.encode(), digest_size=_HASH_BYTES).digest()
    return MARK + urlsafe_b64encode(digest).decode().rstrip("=")


def packed(sent: Sent) -> "Value":
    """Return how far a client has come, as one number."""
    return number(sent.number * INDEXES + sent.index)


def unpacked(value: "Value") -> Sent:
    """Return how far a client has come."""
    return Sent(*divmod(int(value["N"]), INDEXES))


class HashedClients(Mapping[str, Sent]):
    """The clients of a head, found by their ids. Which there are it can tell by hashes only."""

    __slots__ = ("_sent",)

    def __init__(self, sent: Mapping[str, Sent]) -> None:
        self._sent = {hashed(client): each for client, each in sent.items()}

    def __getitem__(self, client: str) -> Sent:
        return self._sent[hashed(client)]

    def __iter__(self) -> Iterator[str]:
        return iter(self._sent)

    def __len__(self) -> int:
        return len(self._sent)

    def __repr__(self) -> str:
        return f"HashedClients({self._sent})"


def number_attribute(client: str) -> str:
    """Return the name of the attribute that holds a client's last number."""
    return f"w.{client}"


def index_attribute(client: str) -> str:
    """Return the name of the attribute that holds the index of a client's last chunk."""
    return f"i.{client}"


def encode_clients(generation: str, clients: Mapping[str, Sent]) -> "Item":
    """Return the attributes of *clients* in a head of this *generation*."""
    if is_short(generation):
        return {hashed(client): packed(sent) for client, sent in clients.items()}
    item: Item = {}
    for client, sent in clients.items():
        item[number_attribute(client)] = number(sent.number)
        item[index_attribute(client)] = number(sent.index)
    return item


def decode_clients(item: "Mapping[str, Value]") -> Mapping[str, Sent]:
    """Return the clients of a head."""
    if is_short(item["g"]["S"]):
        return HashedClients(
            {name: unpacked(value) for name, value in item.items() if name.startswith(MARK)}
        )
    return {
        name[2:]: Sent(int(value["N"]), int(item[index_attribute(name[2:])]["N"]))
        for name, value in item.items()
        if name[:2] == "w."
    }
