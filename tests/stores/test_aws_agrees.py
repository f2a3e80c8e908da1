"""S3 and DynamoDB do what memory does, step by step, whatever the steps."""

from dataclasses import replace
from itertools import count

import pytest

from runstreams.core.limits import Limits
from runstreams.core.model import Head
from runstreams.stores.aws import AwsStore
from runstreams.stores.aws.layout import SHORT
from runstreams.stores.memory import MemoryStore
from tests.emulators.place import Place
from tests.stores.aws_strategies import as_read
from tests.stores.test_sqlite_agrees import LIMITS, PLAN, Steps, outcome, state

STEPS = 150

AS_OBJECTS = replace(LIMITS, inline_bytes=0)

LOOKS = 5
"""Steps from one look at everything to the next; a look is thirty requests."""


@pytest.mark.parametrize("mark", ["", SHORT])
@pytest.mark.parametrize("seed", range(1))
async def test_every_step_has_the_outcome_that_it_has_in_memory(
    aws_place: Place, seed: int, mark: str
) -> None:
    """Whether heads know their clients by hashes or not."""
    await compare(aws_place, Steps(seed, mark=mark), STEPS, mark)


@pytest.mark.soak
@pytest.mark.timeout(300)
@pytest.mark.parametrize("mark", ["", SHORT])
@pytest.mark.parametrize("limits", [LIMITS, AS_OBJECTS], ids=["inline", "objects"])
@pytest.mark.parametrize("seed", range(1, 5))
async def test_many_steps_have_the_outcomes_that_they_have_in_memory(
    aws_place: Place, seed: int, limits: Limits, mark: str
) -> None:
    await compare(aws_place, Steps(seed, limits, mark), 4 * STEPS, mark)


async def compare(place: Place, steps: Steps, many: int, mark: str) -> None:
    names, same_names = count(), count()
    memory = MemoryStore(lambda: f"{next(names):032x}", PLAN, inlines=True)
    aws = AwsStore(
        *place.clients(),
        place.bucket,
        place.table,
        plan=PLAN,
        new_id=lambda: f"{next(same_names):032x}",
        spread=False,  # so that names are the same
        short=bool(mark),
    )
    for at in range(many):
        stream = steps.stream()
        step = steps.next(stream, await memory.heads.get(stream))
        assert await outcome(step, aws) == await outcome(step, memory)
        if at % LOOKS == 0:
            assert await state(aws) == [
                as_read(seen) if isinstance(seen, Head) else seen for seen in await state(memory)
            ]
    await aws.aclose()
