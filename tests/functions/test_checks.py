"""What checkov and cfn-lint still say of the template: the list in docs/security.md, reason by
reason.
"""

import json
import re
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest

from tests import tools
from tests.functions.template import TEMPLATE, raw
from tests.tools import ROOT

PAGE = (ROOT / "docs" / "security.md").read_text()


def listed() -> dict[str, list[str]]:
    """Return the checks of the page, each with its resources."""
    rows = re.findall(r"^\| `(CKV_\w+)` \| ([^|]+) \| [A-Z][^|]+\. \|$", PAGE, re.MULTILINE)
    return {check: places.split(", ") for check, places in rows}


@pytest.mark.needs("checkov")
def test_checkov_finds_what_is_listed_with_a_reason(tmp_path: Path) -> None:
    checkov = tools.find("checkov")
    assert checkov is not None
    command = [checkov, "--framework", "cloudformation", "--file", TEMPLATE, "--output", "json"]
    done = subprocess.run([*command, "--compact", "--quiet"], capture_output=True, cwd=tmp_path)
    found = defaultdict[str, list[str]](list)
    for each in json.loads(done.stdout)["results"]["failed_checks"]:
        found[each["check_id"]].append(each["resource"].rpartition(".")[2])
    assert {check: sorted(places) for check, places in found.items()} == listed()


def test_cfn_lint_leaves_what_is_listed_with_a_reason() -> None:
    """That it finds nothing else is seen in test_template.py."""
    told = [each.get("Metadata", {}).get("cfn-lint") for each in raw()["Resources"].values()]
    left = [rule for each in told if each for rule in each["config"]["ignore_checks"]]
    assert left == ["W1030", "W1030"]
    assert all(f"`{rule}`" in PAGE for rule in left)
