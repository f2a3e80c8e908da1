"""Throttles, broken connections and lost answers, at every kind of request: nothing is lost, and
nothing lands twice.

The answers that are lost here are real ones: the emulator has done what it was asked.
"""

from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace

import pytest

from runstreams.core.errors import Busy, Uncertain
from runstreams.core.limits import KIB, Limits, SealingPlan
from runstreams.core.model import Batch, Closed
from runstreams.core.sealing import Sealer
from runstreams.stores.aws.calls import ATTEMPTS, MEND_SECONDS
from tests.emulators.place import Place
from tests.emulators.wire_tap import (
    Fault,
    cancel,
    fail,
    lose_answer,
    lose_request,
    refuse,
    tear,
    throttle,
)
from tests.stores.aws_log import Watched, now, watched

FAULTS = [throttle, lose_request, lose_answer, fail]
PLAN = SealingPlan(every=4, clients=2, clients_slack=0)
BATCHES = {
    "client": Batch(b'"a"\n"b"\n', 2, now(), client="c"),
    "once": Batch(b'"a"\n"b"\n', 2, now(), once="hash"),
}


both = pytest.mark.parametrize("inline_bytes", [0, KIB], ids=["objects", "inline"])


@pytest.fixture
def inline_bytes() -> int:
    """How large a batch may lie in its pointer: none, or as large as a test says."""
    return 0


@pytest.fixture
async def it(shared_aws_place: Place, inline_bytes: int) -> AsyncIterator[Watched]:
    async with watched(shared_aws_place, PLAN, True, inline_bytes) as found:
        yield found


@pytest.fixture(params=BATCHES)
def batch(request: pytest.FixtureRequest) -> Batch:
    """A batch whose resend is recognised."""
    return BATCHES[request.param]


async def texts(it: Watched) -> list[bytes]:
    return [chunk.data for chunk in await it.everything()]


@both
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(
    "faulty",
    [
        ["PutObject"],
        ["UpdateItem"],
        ["TransactWriteItems"],
        ["UpdateItem", "GetItem"],
        ["UpdateItem", "UpdateItem", "TransactWriteItems", "UpdateItem"],
    ],
    ids="-".join,
)
async def test_the_first_batch_of_a_stream_lands_once_whatever_happens_to_its_requests(
    it: Watched, batch: Batch, faulty: list[str], fault: Fault
) -> None:
    it.tap.script = [(operation, fault) for operation in faulty]
    answer = await it.log.append(it.stream, batch)
    assert (answer.last, answer.tail) == (1, 2)
    assert (await it.log.append(it.stream, batch)).duplicate
    assert await texts(it) == [b'"a"', b'"b"']


@both
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_batch_to_an_open_stream_lands_once_whatever_happens_to_its_commit(
    it: Watched, batch: Batch, fault: Fault
) -> None:
    await it.append(b'"before"', client="other")
    it.tap.script = [("UpdateItem", fault)]
    answer = await it.log.append(it.stream, batch)
    assert (answer.last, answer.tail) == (2, 3)
    assert not it.tap.script
    assert await texts(it) == [b'"before"', b'"a"', b'"b"']


@both
async def test_the_next_batch_of_a_client_follows_one_whose_answer_was_lost(it: Watched) -> None:
    for number in range(8):
        it.tap.script = [("UpdateItem", lose_answer)]
        await it.append(b"%d" % number, client="c", number=number)
    assert await texts(it) == [b"%d" % number for number in range(8)]


@both
async def test_an_anonymous_batch_whose_answer_is_lost_is_found_by_its_name(it: Watched) -> None:
    await it.log.create(it.stream)
    it.tap.script = [("UpdateItem", lose_answer)]
    assert (await it.append(b'"a"')).first == 0
    assert await texts(it) == [b'"a"']


@both
async def test_an_anonymous_batch_that_is_not_found_is_uncertain(it: Watched) -> None:
    """Nobody could tell a second attempt from a second batch, so there is none."""
    await it.log.create(it.stream)
    it.tap.script = [("UpdateItem", lose_request)]
    with pytest.raises(Uncertain):
        await it.append(b'"a"')
    assert await texts(it) == []


@both
async def test_a_stream_that_is_throttled_too_long_is_busy_and_takes_nothing(it: Watched) -> None:
    await it.log.create(it.stream)
    it.tap.script = [("UpdateItem", throttle)] * ATTEMPTS
    with pytest.raises(Busy):
        await it.append()
    assert await texts(it) == []
    assert (await it.append()).first == 0


async def test_a_batch_that_cannot_be_put_is_busy_and_not_there(it: Watched) -> None:
    await it.log.create(it.stream)
    it.tap.script = [("PutObject", throttle)] * ATTEMPTS
    with pytest.raises(Busy):
        await it.append()
    assert await texts(it) == []


PASSING = [
    ("PutObject", refuse("ConditionalRequestConflict", 409)),
    ("PutObject", refuse("OperationAborted", 409)),
    ("PutObject", refuse("InternalError", 500)),
    ("PutObject", refuse("SlowDown", 503)),
    ("PutObject", refuse("RequestTimeout")),
    ("PutObject", refuse("BadDigest")),
    ("PutObject", refuse("KMS.ThrottlingException")),
    ("UpdateItem", refuse("ThrottledException")),
    ("UpdateItem", refuse("TransactionConflictException")),
    ("UpdateItem", refuse("ProvisionedThroughputExceededException")),
    ("TransactWriteItems", cancel),
    ("TransactWriteItems", refuse("TransactionInProgressException")),
]


@pytest.mark.parametrize(("operation", "fault"), PASSING)
async def test_the_caller_sees_nothing_of_a_refusal_that_passes(
    it: Watched, batch: Batch, operation: str, fault: Fault
) -> None:
    it.tap.script = [(operation, fault)] * 2
    answer = await it.log.append(it.stream, batch)
    assert not it.tap.script
    assert (answer.last, answer.tail) == (1, 2)
    assert await texts(it) == [b'"a"', b'"b"']


UNUSABLE = [
    ("PutObject", refuse("NoSuchBucket", 404)),
    ("PutObject", refuse("AccessDenied", 403)),
    ("PutObject", refuse("ExpiredToken", 400)),
    ("PutObject", refuse("RequestTimeTooSkewed", 403)),
    ("PutObject", refuse("KMS.DisabledException", 400)),
    ("UpdateItem", refuse("InvalidSignatureException")),
    ("UpdateItem", refuse("ResourceNotFoundException")),
    ("UpdateItem", refuse("AccessDeniedException")),
    ("UpdateItem", refuse("ExpiredTokenException")),
    ("UpdateItem", refuse("UnrecognizedClientException")),
]


@pytest.mark.parametrize(("operation", "fault"), UNUSABLE)
async def test_a_store_that_is_not_there_or_not_for_us_is_busy_and_the_log_says_why(
    it: Watched, operation: str, fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    """The caller comes back after a while; whoever runs it reads the log. Nothing has landed."""
    await it.append(b'"before"', client="c")
    it.tap.script = [(operation, fault)]
    with pytest.raises(Busy) as busy:
        await it.append(b'"after"', client="c", number=1)
    assert busy.value.retry_after == MEND_SECONDS
    [told] = [record for record in caplog.records if record.levelname == "ERROR"]
    assert fault.__name__ in told.getMessage()
    assert await texts(it) == [b'"before"']
    assert (await it.append(b'"after"', client="c", number=1)).first == 1
    assert await texts(it) == [b'"before"', b'"after"']


@pytest.mark.parametrize(
    "fault", [refuse("AccessDeniedException"), refuse("ExpiredTokenException")]
)
async def test_a_reader_is_told_to_come_back_to_a_table_that_is_not_for_us(
    it: Watched, fault: Fault
) -> None:
    await it.append(b'"a"')
    it.tap.script = [("GetItem", fault)]
    with pytest.raises(Busy):
        await it.log.read(it.stream, 0)
    assert await texts(it) == [b'"a"']


READS = [("GetItem", fault) for fault in FAULTS]
READS += [("ListObjectsV2", fault) for fault in FAULTS]
READS += [("GetObject", fault) for fault in [*FAULTS, tear]]


@pytest.mark.parametrize(("operation", "fault"), READS)
async def test_a_stream_is_read_whole_whatever_happens_to_a_request(
    it: Watched, operation: str, fault: Fault
) -> None:
    for number in range(5):
        await it.append(b"%d" % number, client="c", number=number)
    it.tap.script = [(operation, fault)]
    assert await texts(it) == [b"%d" % number for number in range(5)]
    assert not it.tap.script


@both
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(
    "operation", ["GetItem", "GetObject", "PutObject", "UpdateItem", "DeleteObjects"]
)
async def test_sealing_that_fails_is_made_up_for_later(
    it: Watched, operation: str, fault: Fault
) -> None:
    """Chunks stay where they were or are where they should be; readers see no difference."""
    for number in range(3):
        await it.append(b"%d" % number, client="c", number=number)
    it.tap.script = [(operation, fault)] * 2
    await Sealer(it.store, Limits(), now).seal(it.stream)
    it.tap.script = []
    assert await texts(it) == [b"0", b"1", b"2"]
    for number in range(3, 6):
        await it.append(b"%d" % number, client="c", number=number)
    head = await it.log.close(it.stream, Closed("completed"))
    head = await it.log.head(it.stream) or head
    assert (head.sealed, head.unsealed) == (6, 0)
    assert await texts(it) == [b"%d" % number for number in range(6)]


async def test_a_resend_is_acknowledged_by_a_store_that_deletes_nothing(
    it: Watched, batch: Batch
) -> None:
    await it.log.append(it.stream, batch)
    it.tap.script = [("DeleteObjects", refuse("NotImplemented"))]
    assert (await it.log.append(it.stream, batch)).duplicate
    assert not it.tap.script


async def test_a_store_that_deletes_nothing_seals_and_merges_all_the_same(
    it: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    it.tap.always = ("DeleteObjects", refuse("NotImplemented"))
    for number in range(18):
        await it.append(b"%d" % number, client="c", number=number)
    await it.log.close(it.stream, Closed("completed"))
    head = await it.log.head(it.stream)
    assert head is not None
    assert (head.sealed, head.unsealed) == (18, 0)
    [largest, *_] = await it.store.segments.names(it.stream, head.generation, 17)
    assert (largest.first, largest.last) == (0, 17)
    assert await texts(it) == [b"%d" % number for number in range(18)]
    assert {record.levelname for record in caplog.records} == {"WARNING"}


@both
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("operation", ["PutItem", "UpdateItem", "GetItem"])
async def test_no_client_is_forgotten_when_moving_them_out_fails(
    it: Watched, operation: str, fault: Fault
) -> None:
    clients = [f"c{number}" for number in range(8)]
    for client in clients:
        it.tap.script = [(operation, fault)]
        await it.append(client.encode().join([b'"', b'"']), client=client)
    it.tap.script = []
    for client in clients:
        assert (await it.append(client=client)).duplicate
        assert await it.log.last_number(it.stream, client) == 0
    head = await it.log.head(it.stream)
    assert head is not None
    assert head.spills > 0
    assert len(await texts(it)) == len(clients)


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_stream_is_closed_once_whatever_happens_to_the_request(
    it: Watched, fault: Fault
) -> None:
    await it.append()
    it.tap.script = [("UpdateItem", fault)]
    head = await it.log.close(it.stream, Closed("failed", "why"))
    assert not it.tap.script
    assert head.closed == Closed("failed", "why")


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("operation", ["GetItem", "PutItem", "Query", "UpdateItem"])
async def test_a_run_is_completed_whatever_happens_to_its_requests(
    it: Watched, operation: str, fault: Fault
) -> None:
    await it.append()
    it.tap.script = [(operation, fault)]
    await it.log.complete_run(it.stream.run)
    assert not it.tap.script
    record, head = await it.log.runs.get(it.stream.run), await it.log.head(it.stream)
    assert record is not None
    assert record.completed is not None
    assert head is not None
    assert (head.closed, head.closed_by_run) == (Closed("completed"), True)


async def test_deleting_again_after_a_lost_answer_leaves_nothing(it: Watched) -> None:
    for number in range(6):
        await it.append(client="c", number=number)
    it.tap.script = [("DeleteItem", lose_answer)]
    with pytest.raises(Uncertain):
        await it.log.delete(it.stream)
    await it.log.delete(it.stream)
    assert await it.log.head(it.stream) is None
    assert await it.store.segments.generations(it.stream) == []
    assert (await it.append()).first == 0


async def test_a_client_number_is_never_lowered(it: Watched) -> None:
    """Two sealers may move the same client out, the slower one with what it saw long before."""
    await it.append(client="c")
    head = await it.log.head(it.stream)
    assert head is not None
    sent, until = head.clients["c"], head.expires
    generation, heads = head.generation, it.store.heads
    newer = replace(sent, number=sent.number + 5)
    await heads.spill(it.stream, generation, {"c": newer}, until)
    await heads.spill(it.stream, generation, {"c": sent}, until)
    assert await heads.spilled(it.stream, generation, "c") == newer


@pytest.mark.parametrize("fault", [*FAULTS, cancel])
@pytest.mark.parametrize("times", [1, 2])
async def test_a_stream_is_counted_once_however_often_its_opening_was_sent(
    it: Watched, fault: Fault, times: int
) -> None:
    for key in ("first", "second"):
        it.tap.script = [("TransactWriteItems", fault)] * times
        with suppress(Uncertain):  # it was done, or will be with the next
            await it.log.create(it.stream._replace(key=key))
        it.tap.script = []
        await it.log.create(it.stream._replace(key=key))
    record = await it.store.runs.get(it.stream.run)
    assert record is not None
    assert record.streams == 2
