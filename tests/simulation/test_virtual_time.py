"""The clock of the simulation."""

import asyncio
import time

from tests.virtual_time import START_MS, clock, run


async def nap(seconds: float) -> int:
    await asyncio.sleep(seconds)
    return clock()


def test_a_year_passes_at_once_and_in_order() -> None:
    async def main() -> list[int]:
        naps = [asyncio.create_task(nap(days * 86_400)) for days in (365, 1, 30)]
        return [await each for each in asyncio.as_completed(naps)]

    days = [(passed - START_MS) // 86_400_000 for passed in run(main())]
    assert days == [1, 30, 365]


def test_a_deadline_comes_though_nothing_else_happens() -> None:
    async def main() -> int:
        try:
            async with asyncio.timeout(20):
                await asyncio.Event().wait()
        except TimeoutError:
            return clock()
        raise AssertionError("the deadline did not come")

    assert run(main()) == START_MS + 20_000


def test_a_thread_is_waited_for_in_real_time() -> None:
    async def main() -> int:
        await asyncio.to_thread(time.sleep, 0.01)
        return clock()

    assert run(main()) == START_MS


def test_with_patience_a_thread_is_waited_for_before_time_is_skipped() -> None:
    async def main() -> tuple[int, int]:
        late = asyncio.create_task(nap(3600))
        await asyncio.to_thread(time.sleep, 0.01)
        return clock(), await late

    assert run(main(), patience=1) == (START_MS, START_MS + 3_600_000)
