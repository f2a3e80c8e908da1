"""What the document says of scale is what is computed."""

import pytest

from runstreams.costs.bill import Load, write_units
from tests.simulation.scale import SCALES, append_units, lines, of_one_run, over_at, quotas
from tests.tools import ROOT


@pytest.mark.parametrize("line", list(lines()))
def test_the_document_says_what_is_computed(line: str) -> None:
    assert line in (ROOT / "docs" / "scale.md").read_text().splitlines()


def test_the_limits_are_about_as_much() -> None:
    text = (ROOT / "docs" / "limits.md").read_text()
    one, _, hundred, opened, readers = (most for _, most in of_one_run())
    assert f"about {round(one, -2):.0f} a second with one writer a stream, {hundred:.0f}" in text
    assert f"about {round(opened, -1):.0f} a second in one run" in text
    assert f"{readers:.0f} of one run" in text


def test_the_more_streams_the_more_is_too_much() -> None:
    broken = [len(over_at(streams)) for streams in SCALES]
    assert broken[0] == 0
    assert broken == sorted(broken)


def test_who_appends_seldom_fits_more_often() -> None:
    often, seldom = (
        {each.name: each.streams for each in quotas(Load(batch_seconds=each))} for each in (0.1, 1)
    )
    assert all(seldom[name] >= often[name] for name in often)


def test_an_append_takes_the_units_that_the_bill_counts() -> None:
    load = Load()
    more = write_units(16_000, load.inlined) - write_units(8_000, load.inlined)
    assert more == pytest.approx(8_000 * append_units(1), rel=0.001)
