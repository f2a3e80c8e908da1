"""A pointer as one short string, since every append pays for the bytes of the whole head.

    1.{object}.{chunks to skip}.{count}.{bytes}.{milliseconds by the writer's clock}
    2.{name}.{the client's number of the first chunk}.{milliseconds}.{client}
    {the chunks, each ended by a newline}

The first field is the pointer's form. In the second one the batch itself lies, in the lines after
the first; no client's id has a newline, and it may have dots. What a string does not say is
computed when the head is read: the first index from the sealed index and the counts before it, the
effective time as the running maximum.

Whoever adds a form gives the heads that may hold it another version too: `check_form` then refuses
them before anything is changed.
"""

from collections.abc import Iterable

from ...core.errors import StoreError
from ...core.model import Pointer, StoredBatch

OBJECT, INLINE = "1", "2"
"""A batch that is an object in S3, and one that lies in its pointer."""


def encode_pointer(pointer: Pointer) -> str:
    """Return the string of *pointer*."""
    if pointer.batch is None:
        numbers = (pointer.skip, pointer.count, pointer.size, pointer.time)
        return ".".join((OBJECT, pointer.object, *map(str, numbers)))
    lines, client, number = pointer.batch
    said = (INLINE, pointer.object, str(number), str(pointer.time), client or "")
    return f"{'.'.join(said)}\n{lines.decode()}"


def decode_pointers(strings: Iterable[str], first: int, time: int) -> tuple[Pointer, ...]:
    """Return the pointers of *strings*; the first one begins at index *first* and is not older than
    *time*. Raises `StoreError` for one of a form that this version does not know.
    """
    pointers: list[Pointer] = []
    for string in strings:
        pointer = _decode(string, first, time)
        first, time = pointer.end, pointer.time
        pointers.append(pointer)
    return tuple(pointers)


def _decode(string: str, first: int, time: int) -> Pointer:
    form, _, rest = string.partition(".")
    if form == INLINE:
        return _with_batch(rest, first, time)
    if form != OBJECT:
        raise StoreError(f"a pointer has form {form}; this version reads forms 1 and 2")
    name, *numbers = rest.split(".")
    skip, count, size, written = map(int, numbers)
    return Pointer(name, skip, count, size, max(time, written), first)


def _with_batch(rest: str, first: int, time: int) -> Pointer:
    said, _, text = rest.partition("\n")
    name, number, written, client = said.split(".", 3)
    lines = text.encode()
    count = lines.count(b"\n")
    batch = StoredBatch(lines, client or None, int(number))
    return Pointer(name, 0, count, len(lines) - count, max(time, int(written)), first, batch)
