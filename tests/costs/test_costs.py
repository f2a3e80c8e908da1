"""The bill: it adds up, goes by what is measured elsewhere, and is what the documents say."""

import re
from dataclasses import replace

import pytest

from runstreams.cli import main
from runstreams.cli.cost import by_service
from runstreams.core.model import Closed, Head, Lease, Page, Run, Sent, StoredChunk
from runstreams.core.settings import AWS_LINGER_MS
from runstreams.costs import prices
from runstreams.costs.bill import (
    APPEND_SECONDS,
    CHUNK_OVERHEAD,
    COLD_SECONDS,
    COLD_SHARE,
    LEASE_BYTES,
    LOG_LINE_BYTES,
    READER_GB,
    TABLE_BYTES,
    WRITER_GB,
    Load,
    bill,
    opening_units,
    total,
    write_units,
)
from runstreams.http.live.rendering import as_event, as_json
from runstreams.stores.aws.codec import encode_head, encode_run
from tests.simulation.rates import item_bytes
from tests.tools import ROOT

USUAL = Load()


def dollars(load: Load) -> float:
    return total(bill(load))


def test_the_bill_is_the_sum_of_its_services() -> None:
    lines = bill(USUAL)
    assert sum(sum_ for _, sum_ in by_service(lines)) == pytest.approx(total(lines))


def test_twice_the_streams_cost_twice_as_much() -> None:
    assert dollars(replace(USUAL, streams=2e6)) == pytest.approx(2 * dollars(USUAL))


def test_fewer_appends_cost_less() -> None:
    bills = [dollars(replace(USUAL, batch_seconds=each)) for each in (0, 0.1, 0.5, 2, 60)]
    assert bills == sorted(bills, reverse=True)


def test_a_stream_never_has_more_appends_than_tokens() -> None:
    slow = replace(USUAL, tokens_per_second=1, batch_seconds=0.01)
    assert slow.appends == slow.tokens == 60


def test_an_event_stream_saves_the_polls_and_not_the_waiting() -> None:
    def following(load: Load, what: prices.Price) -> float:
        return sum(
            line.quantity for line in bill(load) if (line.part, line.price) == ("following", what)
        )

    held = replace(USUAL, endpoint="rest-api")
    assert following(held, prices.INVOCATIONS) == USUAL.streams
    assert following(USUAL, prices.INVOCATIONS) == USUAL.streams * USUAL.appends

    def waiting(load: Load) -> float:
        starts = following(load, prices.INVOCATIONS) * COLD_SHARE * COLD_SECONDS * READER_GB
        return following(load, prices.GB_SECONDS) - starts

    assert waiting(held) == pytest.approx(waiting(USUAL))


def test_a_function_url_has_no_price_of_its_own() -> None:
    lines = bill(replace(USUAL, endpoint="function-url"))
    assert "API Gateway" not in dict(by_service(lines))


def test_an_append_of_one_writer_takes_some_more_than_a_write_unit() -> None:
    """As an object, whose head passes a KiB with the thirteenth pointer and is sealed with the
    sixteenth; or in the head, ten at a time.
    """
    assert write_units(16_000) - write_units(8_000) == pytest.approx(8_000 * (1 + 4 / 16 + 2 / 16))
    assert write_units(16_000, 160) - write_units(8_000, 160) == pytest.approx(
        8_000 * (1 + 6 / 10 + 2 / 10)
    )


def test_a_first_batch_that_makes_the_head_larger_than_a_kib_is_paid_for_twice_as_well() -> None:
    """It comes with the opening, which is a transaction."""
    assert [opening_units(inlined) for inlined in (0, 160, 736, 737, 1088)] == [6, 6, 6, 8, 8]
    assert write_units(1, 1088) - write_units(1, 160) == 2


def test_what_lies_in_the_head_is_paid_for_in_write_units_and_not_in_objects() -> None:
    objects = replace(USUAL, inline_bytes=0)
    assert (objects.inlined, USUAL.inlined) == (0, 32 + 32 + 12.5 * 6)

    def quantity(load: Load, price: prices.Price) -> float:
        return sum(line.quantity for line in bill(load) if line.price == price)

    assert quantity(USUAL, prices.S3_WRITES) < quantity(objects, prices.S3_WRITES) / 3
    assert quantity(USUAL, prices.WRITE_UNITS) > quantity(objects, prices.WRITE_UNITS)
    assert dollars(USUAL) < 0.6 * dollars(objects)


def test_a_batch_that_is_too_large_is_an_object() -> None:
    large = replace(USUAL, tokens_per_second=1000)
    assert large.inlined == 0
    assert dollars(large) == dollars(replace(large, inline_bytes=0))


def test_whoever_writes_directly_pays_for_no_function() -> None:
    direct = bill(replace(USUAL, direct=True))
    writing = {line.price.service for line in direct if line.part == "writing"}
    assert writing == {"S3", "DynamoDB"}


def test_a_lease_takes_in_the_head_what_the_bill_says() -> None:
    """As DynamoDB counts: names and text by the byte, numbers by two digits and one more."""
    head = Head("g", created=0, expires=1)
    lease = Lease(1_712_150_400_123, 60_000, "c" * 32)
    added = encode_head(replace(head, lease=lease)).keys() - encode_head(head).keys()
    names = sum(len(name) for name in added)
    assert names + (1 + 7) + (1 + 1) + 32 == pytest.approx(LEASE_BYTES, abs=2)


def test_a_silent_producer_costs_what_the_document_says() -> None:
    """A request through the HTTP API and an update, every 20 seconds."""
    per = (prices.HTTP_API, 1.0), (prices.INVOCATIONS, 1.0), (prices.WRITE_UNITS, 1.0)
    made = *per, (prices.GB_SECONDS, APPEND_SECONDS * WRITER_GB), (prices.LOG_BYTES, LOG_LINE_BYTES)
    an_hour = 3600 / 20 * sum(price.of(quantity) for price, quantity in made)
    text = (ROOT / "docs" / "costs.md").read_text()
    assert f"${an_hour:.4f} an hour" in text


def test_a_browser_that_asks_first_costs_what_the_document_says() -> None:
    more = dollars(replace(USUAL, cross_origin=True)) - dollars(USUAL)
    assert f"That is ${more:,.0f} in the first row" in (ROOT / "docs" / "costs.md").read_text()


def test_what_a_stream_leaves_in_the_table_is_about_what_the_bill_says() -> None:
    """As DynamoDB counts it, and 100 bytes an item."""
    sent, ids = {"c" * 32: Sent(2999, 2999)}, ("h" + "0" * 16, "run_" + "0" * 24)
    lease = Lease(1_712_150_400_123, 60_000, "c" * 32)
    head = Head(ids[0], 0, 1, 3000, 3000, clients=sent, closed=Closed("completed"), lease=lease)
    keys = 2 * len("runitem") + 2 * len(ids[1]) + len("s#default") + len("run")
    run = item_bytes(encode_run(Run(ids[1], 1_712_150_400_123, 1_716_988_800_123)))
    whole = keys + item_bytes(encode_head(head)) + 2 * run + 3 * 100
    assert whole == pytest.approx(TABLE_BYTES, rel=0.15)


def test_a_start_is_paid_for_like_any_other_second() -> None:
    seconds = sum(line.quantity for line in bill(USUAL) if line.price == prices.GB_SECONDS)
    calls = [(USUAL.appends + 1, WRITER_GB), (USUAL.appends, READER_GB)]
    cold = sum(number * COLD_SHARE * COLD_SECONDS * memory for number, memory in calls)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("runstreams.costs.bill.COLD_SHARE", 0)
        warm = sum(line.quantity for line in bill(USUAL) if line.price == prices.GB_SECONDS)
    assert seconds - warm == pytest.approx(cold * USUAL.streams)


def test_a_chunk_takes_on_the_wire_about_what_the_bill_says() -> None:
    data = b'"word"'
    chunks = tuple(StoredChunk(index, 1_712_150_400_000, data) for index in range(1000, 2000))
    page = Page(chunks, 2000, 2000, "0" * 32)
    for rendered in (as_json(page), as_event(page)):
        overhead = len(rendered) / len(chunks) - len(data)
        assert overhead == pytest.approx(CHUNK_OVERHEAD, rel=0.25)


def test_each_price_says_where_it_is_published_and_when_it_was_checked() -> None:
    named = [each for each in vars(prices).values() if isinstance(each, prices.Price)]
    assert set(named) == set(prices.ALL)
    assert all(re.fullmatch(r"20\d\d-\d\d", price.checked) for price in prices.ALL)
    assert {price.service for price in prices.ALL} == set(prices.PAGES)


def test_the_command_prints_the_bill(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cost", "--batch", "0.2", "--readers", "2", "--endpoint", "rest-api"]) == 0
    said = capsys.readouterr().out
    load = replace(USUAL, batch_seconds=0.2, readers=2, endpoint="rest-api")
    assert "300 appends, 2 following" in said
    assert f"${dollars(load):,.2f}  together" in said


@pytest.mark.parametrize("wrong", [("--seconds", "0"), ("--readers", "-1"), ("--batch", "nan")])
def test_the_command_refuses_what_no_stream_can_have(
    wrong: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["cost", *wrong]) == 1
    assert wrong[0] in capsys.readouterr().err


BATCHES = {
    "250 ms, the default": AWS_LINGER_MS / 1000,
    "1 s": 1.0,
    "500 ms": 0.5,
    "200 ms": 0.2,
    "100 ms": 0.1,
    "token by token": 0.0,
}


def test_the_table_begins_with_what_the_defaults_cost() -> None:
    _, table = (ROOT / "docs" / "costs.md").read_text().split("| appended every |")
    assert table.splitlines()[2].startswith(f"| {AWS_LINGER_MS} ms, the default |")
    assert USUAL.batch_seconds == AWS_LINGER_MS / 1000


def test_the_documents_tables_are_what_the_command_says() -> None:
    text = (ROOT / "docs" / "costs.md").read_text()
    for name, seconds in BATCHES.items():
        bills = [dollars(replace(load, batch_seconds=seconds)) for load in COLUMNS]
        cells = " | ".join(f"${each:,.0f}" for each in bills)
        appends = replace(USUAL, batch_seconds=seconds).appends
        assert f"| {name} | {appends:,} | {cells} |" in text


COLUMNS = [
    USUAL,
    replace(USUAL, endpoint="rest-api"),
    replace(USUAL, endpoint="function-url"),
    replace(USUAL, endpoint="function-url", direct=True),
    replace(USUAL, inline_bytes=0),
]


def test_a_shorter_pause_costs_what_the_document_says() -> None:
    """A million reader-minutes that look every 50 ms, and how many readers one head feeds."""
    more = dollars(replace(USUAL, poll_ms=50)) - dollars(USUAL)
    text = (ROOT / "docs" / "costs.md").read_text()
    assert f"${more:.1f} more in a million reader-minutes" in text
    assert f"{3000 / (10 * 0.5):.0f} processes" in text
    assert f"{3000 / (20 * 0.5):.0f} at 50 ms" in text


def test_the_documents_breakdown_is_what_the_command_says() -> None:
    text = (ROOT / "docs" / "costs.md").read_text()
    for service, sum_ in by_service(bill(USUAL)):
        assert f"| {service} | ${sum_:,.0f} |" in text


def test_the_readme_says_what_the_command_says() -> None:
    text = (ROOT / "README.md").read_text()
    assert f"about ${dollars(USUAL):,.0f} a month for a million streams of a minute" in text
