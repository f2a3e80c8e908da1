"""The tests that the protocol's guide asks an implementation for are where the table says."""

import re

import pytest

from tests.durable.conftest import HERE
from tests.tools import ROOT

TABLE = (HERE / "IMPLEMENTATION_TESTS.md").read_text()
NAMED = sorted(set(re.findall(r"`(tests/\S+\.py)::(test_\w+)`", TABLE)))


def test_each_row_names_a_test() -> None:
    rows = [line for line in TABLE.splitlines() if line.startswith("| ")][1:]
    assert rows
    assert all("::test_" in row for row in rows)


@pytest.mark.parametrize(("path", "name"), NAMED)
def test_a_test_that_is_named_is_there(path: str, name: str) -> None:
    assert re.search(rf"^(async )?def {name}\(", (ROOT / path).read_text(), re.MULTILINE)
