"""Whether every chunk is there once and in order: live, replayed, and replayed from the middle."""

from .screen import Screen
from .story import STEPS, Told
from .wire import Received


async def check(told: Told, screen: Screen) -> None:
    """Compare what was sent with what was read, and show each finding."""
    total = sum(len(words) for words in told.sent.values())
    middle = total // 2
    again = [chunk async for chunk in told.text.pages()]
    later = [chunk async for chunk in told.text.pages(middle)]
    screen.note("Checked:")
    screen.check(_count(told.seen, total), f"followed live: chunks 0 to {total - 1}, each once")
    for writer, words in told.sent.items():
        got = [chunk.data["text"] for chunk in told.seen if chunk.data["by"] == writer]
        screen.check(got == words, f"{writer}: all of its {len(words)} chunks, in its order")
    screen.check(
        [len(resumed) for resumed in told.resumed.values()] == [0, 1],
        "reading: its connection broke once, and it went on where it was",
    )
    screen.check(_count(told.steps, STEPS), f"progress: {STEPS} JSON chunks, each once")
    screen.check(again == told.seen, "replayed from the beginning: the same chunks")
    screen.check(later == told.seen[middle:], f"replayed from index {middle}: the same rest")


def _count(chunks: list[Received], total: int) -> bool:
    return [chunk.index for chunk in chunks] == list(range(total))
