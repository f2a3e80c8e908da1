"""A pointer as one short string, since every append pays for the bytes of the whole head.

    1.{object}.{chunks to skip}.{count}.{bytes}.{milliseconds by the writer's clock}

The first field is the pointer's form; another one may follow. What a string does not say is
computed when the head is read: the first index from the sealed index and the counts before it, the
effective time as the running maximum.
"""

from collections.abc import Iterable

from ...core.errors import StoreError
from ...core.model import Pointer

FORM = "1"
"""A batch that is an object in S3."""


def encode_pointer(pointer: Pointer) -> str:
    """Return the string of *pointer*."""
    numbers = (pointer.skip, pointer.count, pointer.size, pointer.time)
    return ".".join((FORM, pointer.object, *map(str, numbers)))


def prefix(pointer: Pointer) -> str:
    """Return how the string of *pointer* begins; an object's name is unique, so no other does."""
    return f"{FORM}.{pointer.object}."


def decode_pointers(strings: Iterable[str], first: int, time: int) -> tuple[Pointer, ...]:
    """Return the pointers of *strings*; the first one begins at index *first* and is not older than
    *time*.
    """
    pointers: list[Pointer] = []
    for string in strings:
        form, name, *numbers = string.split(".")
        if form != FORM:
            raise StoreError(f"a pointer has form {form}; this version reads form {FORM}")
        skip, count, size, written = map(int, numbers)
        time = max(time, written)
        pointers.append(Pointer(name, skip, count, size, time, first))
        first += count
    return tuple(pointers)
