"""The commit as DynamoDB spells it is the commit as the core decides it."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import NamedTuple
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runstreams.core.commit import applied, fits, pointer_to, takes
from runstreams.core.leasing import renewed
from runstreams.core.limits import Limits, SealingPlan
from runstreams.core.model import Batch, Closed, Head, Lease, Run, Sent, StreamId
from runstreams.core.ports import Committed, NotCommitted, Staged, Terms
from runstreams.stores.aws.calls import Calls
from runstreams.stores.aws.heads import DynamoHeads
from runstreams.stores.aws.inlining import Inlining
from runstreams.stores.aws.layout import Layout, is_short
from runstreams.stores.aws.table import Table
from tests.emulators.place import Place
from tests.stores.aws_strategies import TIMES, any_head, as_read

BREAKS = [
    "nothing",
    "closed",
    "expired",
    "unsealed",
    "room",
    "once",
    "epoch",
    "previous",
    "unknown",
    "known",
    "spills",
    "generation",
    "lease",
    "lease_ms",
    "inline room",
    "nothing inline",
]
"""What may be wrong with a commit; each is met often enough only if it is chosen."""


@pytest.fixture
async def table(aws_place: Place) -> AsyncIterator[Table]:
    clients, calls = aws_place.clients(threads=1), Calls(threads=1)
    yield Table(clients[1], aws_place.table, calls)
    await calls.aclose()
    for client in clients:
        client.close()


def heads_in(table: Table, plan: SealingPlan | None = None, short: bool = True) -> DynamoHeads:
    plan = plan or SealingPlan()
    return DynamoHeads(table, plan, Layout(True, short), Inlining(plan))


class Commit(NamedTuple):
    """A head, and a commit to it."""

    head: Head
    batch: Batch
    inline: bool
    skip: int
    terms: Terms
    limits: Limits
    plan: SealingPlan


@st.composite
def commits(draw: st.DrawFn) -> Commit:
    """Draw a commit that fits its head, or would but for one thing."""
    wrong = draw(st.sampled_from(BREAKS))
    # A fork is opened only beside its source; what is committed to it is as to any other.
    head = replace(draw(any_head()), closed=None, closed_by_run=False, fork=None)
    known = draw(st.booleans()) if wrong not in ("known", "unknown") else wrong == "known"
    client = draw(st.none() | st.just("client")) if wrong in ("nothing", "room") else "client"
    if known:
        head = replace(head, clients={**head.clients, "client": Sent(3, 5)})
    count = draw(st.integers(1, 3))
    once = draw(st.none() | st.just("hash")) if wrong != "once" else "hash"
    batch = Batch(b'"chunk"\n' * count, count, draw(TIMES), client, draw(st.integers(0, 9)), once)
    skip = draw(st.integers(0, count - 1))
    terms = Terms(head.expires - 1, 3) if known else Terms(head.expires - 1, None, head.spills)
    if draw(st.booleans()) and not known:
        terms = replace(terms, generation=head.generation)
    if head.lease is not None and draw(st.booleans()):
        terms = replace(terms, lease=renewed(head.lease, Lease(draw(TIMES), draw(TIMES), "client")))
    room = draw(st.sampled_from([0, head.size + batch.rest(skip).size]))
    prefix, is_later, _ = head.generation.partition(".")
    epoch = int(prefix) if is_later else 0
    limits = Limits(stream_bytes=room, epoch=draw(st.sampled_from([0, epoch])))
    inline = draw(st.booleans()) if "inline" not in wrong else True
    if inline:
        head = replace(head, inlined=head.inlined or 0)
    weight = pointer_to(Staged("", batch, inline), skip, batch.rest(skip), 0, 0).weight
    plan = SealingPlan(unsealed=head.unsealed + 1, inlined_most=(head.inlined or 0) + weight)
    return spoilt(Commit(head, batch, inline, skip, terms, limits, plan), wrong)


def spoilt(commit: Commit, wrong: str) -> Commit:
    """Return *commit* with one thing *wrong* with it."""
    head, terms = commit.head, commit.terms
    size = head.size + commit.batch.rest(commit.skip).size
    changes: dict[str, Commit] = {
        "closed": commit._replace(head=replace(head, closed=Closed("failed"))),
        "expired": commit._replace(terms=replace(terms, now=head.expires)),
        "unsealed": commit._replace(plan=replace(commit.plan, unsealed=head.unsealed)),
        "room": commit._replace(limits=Limits(stream_bytes=max(size - 1, 1))),
        "epoch": commit._replace(limits=replace(commit.limits, epoch=2)),
        "once": commit._replace(head=replace(head, once={**head.once, "hash": 7})),
        "previous": commit._replace(terms=replace(terms, previous=2)),
        "unknown": commit._replace(terms=replace(terms, previous=3)),
        "known": commit._replace(terms=Terms(terms.now, None, head.spills)),
        "spills": commit._replace(terms=replace(terms, spills=head.spills + 1)),
        "generation": commit._replace(terms=replace(terms, generation="another")),
        "lease": _leased(commit, Lease(70, 60, "a"), Lease(69, 60, "b")),
        "lease_ms": _leased(commit, Lease(70, 60, "a"), Lease(71, 59, "b")),
        "inline room": commit._replace(
            plan=replace(commit.plan, inlined_most=commit.plan.inlined_most - 1)
        ),
        "nothing inline": commit._replace(head=replace(head, inlined=None)),
    }
    return changes.get(wrong, commit)


def _leased(commit: Commit, there: Lease, lease: Lease) -> Commit:
    return commit._replace(
        head=replace(commit.head, lease=there), terms=replace(commit.terms, lease=lease)
    )


@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(commits())
async def test_the_expression_decides_and_computes_as_the_core_does(
    table: Table, commit: Commit
) -> None:
    head, batch, inline, skip, terms, limits, plan = commit
    heads = heads_in(table, plan, is_short(head.generation))
    stream, staged = StreamId(uuid4().hex, "key"), Staged(uuid4().hex, batch, inline)
    await heads.open(stream, head, Run(stream.run, head.created, head.created + 1))
    rest = batch.rest(skip)
    may_lie = not inline or takes(head, rest, plan)
    expected: Committed | NotCommitted = NotCommitted(as_read(head), elsewhere=not may_lie)
    if may_lie and fits(head, rest, terms, limits, plan):
        after = as_read(applied(head, staged, terms, skip, rest, limits))
        expected = Committed(head.tail, after, whole=True)
    assert await heads.commit(stream, staged, terms, skip, limits) == expected
    assert await heads.get(stream) == expected.head


async def test_nothing_is_committed_to_a_stream_that_was_never_opened(table: Table) -> None:
    heads = heads_in(table)
    staged = Staged("object", Batch(b'"chunk"\n', 1, time=1))
    outcome = await heads.commit(StreamId("run", "key"), staged, Terms(0), 0, Limits())
    assert outcome == NotCommitted(None)


@pytest.mark.parametrize("generation", ["g", "hg"])
@pytest.mark.parametrize("name", ["0", "h0"])
async def test_only_an_object_that_is_found_from_the_head_is_committed_to_it(
    table: Table, generation: str, name: str
) -> None:
    heads, stream = heads_in(table), StreamId("run", "key")
    await heads.open(stream, Head(generation, created=1, expires=9), Run("run", 1, 9))
    staged = Staged(name, Batch(b'"chunk"\n', 1, time=5))
    outcome = await heads.commit(stream, staged, Terms(0), 0, Limits())
    if (generation, name) == ("g", "h0"):
        assert outcome == NotCommitted(await heads.get(stream), elsewhere=True)
    else:
        assert isinstance(outcome, Committed)


@pytest.mark.parametrize("inline", [True, False])
async def test_only_the_first_of_two_sealers_that_saw_the_same_takes_effect(
    table: Table, inline: bool
) -> None:
    heads, stream = heads_in(table), StreamId("run", "key")
    await heads.open(stream, Head("g", created=1, expires=9), Run("run", 1, 9), Limits())
    for at in range(5):
        staged = Staged(f"object {at}", Batch(b'"chunk"\n', 1, time=at), inline)
        await heads.commit(stream, staged, Terms(0), 0, Limits())
    seen = await heads.get(stream)
    assert seen is not None
    assert await heads.seal(stream, seen, seen.pending[2], 3)
    sealed = await heads.get(stream)
    assert sealed is not None
    assert (sealed.sealed, sealed.sealed_time) == (3, 2)
    assert sealed.pending == seen.pending[3:]
    assert sealed.inlined == sum(pointer.weight for pointer in sealed.pending)
    for count in (1, 3, 5):
        assert not await heads.seal(stream, seen, seen.pending[count - 1], count)
    other = replace(sealed, generation="another")
    assert not await heads.seal(stream, other, sealed.pending[0], 1)
    assert await heads.get(stream) == sealed


@pytest.mark.parametrize("generation", ["g", "sg"])
async def test_a_client_that_has_gone_on_is_not_forgotten(table: Table, generation: str) -> None:
    heads, stream = heads_in(table, short=is_short(generation)), StreamId("run", "key")
    clients = {"idle": Sent(0, 0), "busy": Sent(0, 1)}
    seen = Head(generation, created=1, expires=9, tail=2, sealed=2, clients=clients)
    await heads.open(stream, seen, Run("run", 1, 9))
    staged = Staged("object", Batch(b'"chunk"\n', 1, time=5, client="busy", number=1))
    await heads.commit(stream, staged, Terms(0, previous=0), 0, Limits())
    assert not await heads.forget(stream, seen, clients, [])
    kept = await heads.get(stream)
    assert kept is not None
    assert (kept.clients["idle"], kept.clients["busy"]) == (Sent(0, 0), Sent(1, 2))
    assert (len(kept.clients), kept.spills) == (2, 0)


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("generation", ["g", "hg", "sg", "hsg"])
@pytest.mark.parametrize("short", [True, False])
async def test_a_client_is_noted_as_its_head_has_it_whatever_was_guessed(
    table: Table, generation: str, short: bool, number: int
) -> None:
    """The first try may be refused; the next one knows."""
    heads, stream = heads_in(table, short=short), StreamId("run", "key")
    clients = {"c": Sent(0, 0)} if number else {}
    head = Head(generation, created=1, expires=9, tail=number, sealed=number, clients=clients)
    await heads.open(stream, head, Run("run", 1, 9))
    staged = Staged("0", Batch(b'"chunk"\n', 1, time=5, client="c", number=number))
    terms = Terms(0, previous=number - 1 if number else None)
    first = await heads.commit(stream, staged, terms, 0, Limits())
    assert isinstance(first, Committed) == (short == is_short(generation))
    if isinstance(first, NotCommitted):
        assert first.head == as_read(head)
        assert isinstance(await heads.commit(stream, staged, terms, 0, Limits()), Committed)
    kept = await heads.get(stream)
    assert kept is not None
    assert kept == as_read(replace(kept, clients={"c": Sent(number, number)}))
