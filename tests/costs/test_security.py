"""What docs/security.md says that somebody can cost at most, computed from the prices and from the
template's defaults.
"""

import re

import pytest

from runstreams.core.limits import PAGE_BYTES
from runstreams.costs import prices
from runstreams.costs.bill import APPEND_SECONDS, LOG_LINE_BYTES, READER_GB, WRITER_GB
from tests.functions.template import raw
from tests.tools import ROOT

PAGE = (ROOT / "docs" / "security.md").read_text()
HOUR = 3600
DEFAULTS = {name: each.get("Default") for name, each in raw()["Parameters"].items()}
FILES = ROOT / "src" / "runstreams" / "dashboard"

REFUSAL_SECONDS = 0.01
"""A refusal in Lambda; not measured on AWS."""

FILE_BYTES = 150_000
"""More than any file of the dashboard has."""

EVENT_BYTES_PER_SECOND = 2_000_000
"""What Lambda lets through of a streamed answer, behind the first 6 MB."""

ACCOUNT_CONCURRENCY = 1_000
"""What an account may have in use at once unless it asks for more."""

POLLS_PER_SECOND = 10
"""How often a reader looks at a head that changes all the time."""

WRITE_UNITS = 2
"""Of an append, sealing included; `costs.bill` counts less."""


def called(rate: float, door: prices.Price, gigabyte_seconds: float) -> float:
    """Return what *rate* requests a second cost in an hour: the gateway, Lambda, its log."""
    calls = rate * HOUR
    return (
        door.of(calls)
        + prices.INVOCATIONS.of(calls)
        + prices.GB_SECONDS.of(calls * gigabyte_seconds)
        + prices.LOG_BYTES.of(calls * LOG_LINE_BYTES)
    )


def sent(bytes_per_second: float) -> float:
    return prices.TRAFFIC.of(bytes_per_second * HOUR)


def refused() -> float:
    rate = DEFAULTS["RequestRate"]
    http = called(rate, prices.HTTP_API, REFUSAL_SECONDS * WRITER_GB)
    return http + called(rate, prices.REST_API, REFUSAL_SECONDS * READER_GB)


def fetched() -> float:
    """The dashboard's files, at both doors."""
    rate = DEFAULTS["OpenRate"]
    http = called(rate, prices.HTTP_API, REFUSAL_SECONDS * WRITER_GB)
    rest = called(rate, prices.REST_API, REFUSAL_SECONDS * READER_GB)
    return http + rest + 2 * sent(rate * FILE_BYTES)


def held() -> float:
    """Readers that wait, in all environments that the account has."""
    polls = ACCOUNT_CONCURRENCY * POLLS_PER_SECOND * HOUR
    waiting = prices.GB_SECONDS.of(ACCOUNT_CONCURRENCY * READER_GB * HOUR)
    return waiting + prices.READ_UNITS.of(polls / 2)


def downloaded() -> float:
    """Whole pages, one after the other, as fast as the gateway lets them."""
    rate = DEFAULTS["RequestRate"]
    return called(rate, prices.HTTP_API, READER_GB) + sent(rate * PAGE_BYTES)


def appended() -> float:
    """Appends as fast as the table takes them."""
    rate = DEFAULTS["TableMaxWriteUnits"] / WRITE_UNITS
    assert rate <= DEFAULTS["RequestRate"]
    objects = prices.S3_WRITES.of(rate * HOUR * 1.1) + prices.S3_READS.of(rate * HOUR)
    units = prices.WRITE_UNITS.of(DEFAULTS["TableMaxWriteUnits"] * HOUR)
    return called(rate, prices.HTTP_API, APPEND_SECONDS * WRITER_GB) + objects + units


def kept() -> float:
    """A month of all that one run may hold."""
    bytes_ = DEFAULTS["RunMaxStreams"] * DEFAULTS["StreamMaxBytes"]
    return prices.S3_STORAGE.of(bytes_ / prices.GB)


@pytest.mark.parametrize("sum_", [refused, fetched, held, downloaded, appended, kept])
def test_the_page_says_what_it_costs_at_most(sum_: object) -> None:
    dollars = sum_()  # type: ignore[operator]
    assert f"${dollars:,.0f}" in PAGE, f"{sum_.__name__}: ${dollars:,.0f}"  # type: ignore[attr-defined]


def test_no_file_of_the_dashboard_is_larger() -> None:
    assert max(path.stat().st_size for path in FILES.iterdir()) < FILE_BYTES


def test_every_test_that_the_page_names_is_there() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", PAGE)
    assert len(named) > 8
    for path, test in named:
        assert not test or f"def {test}(" in (ROOT / path).read_text(), test
        assert (ROOT / path).exists(), path


def test_every_bound_that_the_page_names_is_a_parameter() -> None:
    table = PAGE[PAGE.index("## Bounds") : PAGE.index("## ", PAGE.index("## Bounds") + 3)]
    rows = re.findall(r"^\| `(\w+)` \| `([^`]+)` \|", table, re.MULTILINE)
    assert len(rows) >= 10
    assert {name: str(DEFAULTS[name]) for name, _ in rows} == dict(rows)
