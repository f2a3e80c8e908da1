"""The bill where readers are served by tasks, and from how many of them on that costs less."""

import re
from dataclasses import replace

import pytest

from runstreams.cli import main
from runstreams.costs import prices, tier
from runstreams.costs.bill import Load, bill, standing, total
from runstreams.costs.comparing import READING, pays_from, reading, with_readers
from tests.tools import ROOT

PAGE = (ROOT / "docs" / "readers.md").read_text()
USUAL = Load(readers_on="fargate")
FUNCTIONS = ("http-api", "rest-api", "function-url")


def stands(load: Load) -> float:
    return total(standing(load))


def test_the_least_tier_is_two_tasks_a_balancer_and_their_addresses() -> None:
    tasks = 2 * (0.03238 + 2 * 0.00356)
    assert stands(replace(USUAL, streams=1)) == pytest.approx(730 * (tasks + 0.0225 + 4 * 0.005))


def test_what_stands_stands_whatever_is_read() -> None:
    quiet = replace(USUAL, readers=0)
    assert stands(quiet) == stands(USUAL) == stands(replace(quiet, streams=1))
    assert sum(line.dollars for line in bill(quiet) if line.part in READING) == stands(quiet)


@pytest.mark.parametrize(
    ("looks", "readers", "deliveries", "tasks"),
    [
        (0, 1, 0, 2),
        (200 * 2, 1, 0, 2),  # a stream for each reader
        (200 * 25, 1, 0, 25),
        (10, 100_000, 400_000, 85),  # one stream for all: each task looks at it
        (10, 3, 0, 2),
        (400, 100, 0, 200),  # more streams than a task can look at
    ],
)
def test_there_are_as_many_tasks_as_are_busy_enough(
    looks: float, readers: float, deliveries: float, tasks: int
) -> None:
    assert tier.tasks(looks, readers, deliveries) == tasks
    total = looks * min(readers, tasks) * tier.LOOK_SECONDS + deliveries * tier.DELIVERY_SECONDS
    assert total <= tasks * tier.TASK_BUSY * 1.001


def test_readers_on_tasks_take_nothing_of_lambda_and_leave_it_the_writing() -> None:
    parts = {line.part for line in bill(USUAL) if line.price == prices.INVOCATIONS}
    assert parts == {"writing"}
    writing = [line for line in bill(Load()) if line.part == "writing"]
    assert [line for line in bill(USUAL) if line.part == "writing"] == writing


def test_a_process_looks_once_for_all_readers_of_a_stream() -> None:
    def units(readers: float) -> float:
        load = replace(USUAL, streams=1, readers=readers)
        return sum(line.quantity for line in bill(load) if line.price == prices.READ_UNITS)

    first_looks = 100 - 2
    assert units(100) - units(2) == pytest.approx(first_looks)


@pytest.mark.parametrize("endpoint", FUNCTIONS)
def test_beyond_as_many_readers_as_is_said_the_tasks_cost_less(endpoint: str) -> None:
    load = replace(USUAL, endpoint=endpoint)  # type: ignore[arg-type]
    for readers, less in ((0.99, False), (1.01, True)):
        some = with_readers(load, readers * pays_from(load))
        assert (reading(some) < reading(replace(some, readers_on="lambda"))) == less


def test_with_other_readers_there_are_as_many_as_are_asked_for() -> None:
    assert with_readers(replace(USUAL, readers=7), 123).average_readers == pytest.approx(123)


def test_the_page_says_from_when_it_pays() -> None:
    polls, held, url = (
        pays_from(replace(USUAL, endpoint=each))  # type: ignore[arg-type]
        for each in FUNCTIONS
    )
    assert f"from {held:.1f} readers on" in PAGE
    assert f"{url:.1f} beside a Function URL" in PAGE
    assert f"{polls:.1f} beside long polls" in PAGE


@pytest.mark.parametrize(("factor", "less"), [(0.99, False), (1.01, True)])
def test_the_page_says_from_when_it_pays_where_all_read_the_same(factor: float, less: bool) -> None:
    [said] = re.findall(r"it pays from ([\d.]+) on beside the REST API", PAGE)
    readers = factor * float(said)
    load = with_readers(replace(USUAL, endpoint="rest-api", readers=readers), readers)
    assert (reading(load) < reading(replace(load, readers_on="lambda"))) == less


@pytest.mark.parametrize("readers", [1, 10, 100, 1_000, 10_000])
def test_the_pages_table_is_what_is_computed(readers: int) -> None:
    at = [replace(USUAL, endpoint=each, readers_on="lambda") for each in FUNCTIONS]  # type: ignore[arg-type]
    loads = (*at, USUAL, replace(USUAL, readers=readers))
    sums = [reading(with_readers(load, readers)) for load in loads]
    row = " | ".join(f"${each:,.0f}" for each in sums)
    assert f"| {readers:,} | {row} |" in PAGE


def test_the_command_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    load = replace(USUAL, endpoint="rest-api")
    assert main(["cost", "--readers-on", "fargate", "--endpoint", "rest-api"]) == 0
    said = capsys.readouterr().out
    assert (
        f"{load.average_readers:.1f} readers on average, for 2 tasks: ${stands(load):,.2f}" in said
    )
    assert f"pays from {pays_from(load):.1f} readers on" in said
    assert main(["cost", "--readers-on", "fargate", "--readers", "0"]) == 0
    assert "pays from no number of readers on" in capsys.readouterr().out
