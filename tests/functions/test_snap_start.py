"""The parameter SnapStart: what it switches in the template, and that environments which begin as
copies of one another share nothing that must be their own.
"""

import json
import os
import random
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from runstreams.stores.aws.calls import Calls
from tests.functions.filling import Filled, Template
from tests.functions.handlers import (
    ENVIRONMENT,
    FUNCTIONS,
    TOO_LARGE_FOR_THE_HEAD,
    Functions,
    event,
)
from tests.functions.translation import translated
from tests.tools import ROOT

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

NAMES = ("AppendFunction", "ReadFunction", "ManageFunction")
STREAM = "StreamFunction"

OTHERWISE = {
    "AllowedOrigins": "https://app.example",
    "Architecture": "x86_64",
    "EdgeCache": "on",
    "EndpointUrl": "http://127.0.0.1:4566",
    "LogLevel": "DEBUG",
    "SnapStart": "on",
    "StreamEndpoint": "none",
    "Tracing": "on",
}
"""Other values than the defaults; those of numbers are made of them."""

UNVERSIONED = {"ReservedConcurrentExecutions"}
"""What belongs to a function, not to its versions."""


@pytest.fixture(scope="module")
def template() -> Template:
    return translated()


def _versions(template: Template) -> dict[str, Any]:
    """Return the name of each function's version, and what is declared of it."""
    return {
        each["Properties"]["FunctionName"]["Ref"]: (name, each)
        for name, each in template["Resources"].items()
        if each["Type"] == "AWS::Lambda::Version"
    }


@pytest.mark.needs("sam")
@pytest.mark.parametrize(
    ("setting", "apply_on", "place"),
    [
        ("off", "None", {"Fn::GetAtt": ["{}", "Arn"]}),
        ("on", "PublishedVersions", {"Ref": "{}Aliaslive"}),
    ],
)
def test_the_api_invokes_versions_where_they_start_from_snapshots(
    template: Template, setting: str, apply_on: str, place: Any
) -> None:
    filled = Filled(template, SnapStart=setting)
    places = [json.loads(json.dumps(place).replace("{}", name)) for name in NAMES]
    integrations = filled.of_type("AWS::ApiGatewayV2::Integration").values()
    assert [each["IntegrationUri"] for each in integrations] == places
    permissions = filled.of_type("AWS::Lambda::Permission").values()
    allowed = [each["FunctionName"] for each in permissions]
    assert [each for each in allowed if STREAM not in str(each)] == places
    for name in NAMES:
        assert filled.resource(name)["SnapStart"] == {"ApplyOn": apply_on}
    assert "SnapStart" not in filled.resource(STREAM)


@pytest.mark.needs("sam")
def test_the_alias_is_the_latest_version_and_older_ones_are_deleted(template: Template) -> None:
    """A snapshot costs money for as long as its version is there."""
    versions = _versions(template)
    assert set(versions) == set(NAMES)
    for function, (name, declared) in versions.items():
        alias = template["Resources"][f"{function}Aliaslive"]["Properties"]
        assert alias["FunctionVersion"] == {"Fn::GetAtt": [name, "Version"]}
        assert declared["DeletionPolicy"] == "Delete"


@pytest.mark.needs("sam")
@pytest.mark.parametrize("package", ["DependenciesLayer", "PackageLayer", *NAMES])
def test_new_code_is_a_new_version(template: Template, package: str) -> None:
    before, after = _versions(template), _versions(translated(**{package: "another"}))
    renewed = {name for name in NAMES if before[name][0] != after[name][0]}
    assert renewed == ({package} if package in NAMES else set(NAMES))


@pytest.mark.needs("sam")
@pytest.mark.parametrize("function", NAMES)
def test_another_parameter_is_a_new_version_if_it_changes_the_function(
    template: Template, function: str
) -> None:
    """CloudFormation publishes anew when the description changes, and Lambda refuses that when the
    function has not.
    """

    def changes(parameter: str) -> bool:
        usual = template["Parameters"][parameter]["Default"]
        other = OTHERWISE.get(parameter) or (usual + 1 if isinstance(usual, int) else "arn")
        given = {"SnapStart": "on", parameter: other if other != usual else "off"}
        filled = [Filled(template, **each) for each in ({"SnapStart": "on"}, given)]
        one, another = (each.resource(function) for each in filled)
        return any(one[key] != another[key] for key in one if key not in UNVERSIONED)

    _, declared = _versions(template)[function]
    described = declared["Properties"]["Description"]["Fn::If"][1]["Fn::Sub"]
    wanted = {name for name in template["Parameters"] if changes(name)} - {"SnapStart"}
    assert set(re.findall(r"\$\{(\w+)\}", described)) == wanted
    assert len(wanted) >= 8


# What the copies of a snapshot share

IMPORT = """
import socket, threading
def refuse(*_): raise AssertionError("connected")
socket.socket.connect = socket.socket.connect_ex = refuse
import app
assert threading.active_count() == 1, threading.enumerate()
"""


@pytest.mark.parametrize("name", FUNCTIONS)
def test_nothing_is_connected_and_no_thread_runs_when_the_snapshot_is_taken(name: str) -> None:
    """So no secret is in it either: reading one takes a connection."""
    settings = {**ENVIRONMENT, "RUNSTREAMS_SECRET_KEY": "", "RUNSTREAMS_SECRET_ARN": "arn"}
    done = subprocess.run(
        [sys.executable, "-c", IMPORT],
        cwd=ROOT / "functions" / name,
        env={**os.environ, **settings, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_copies_name_their_objects_and_streams_apart(functions: Functions, s3: "S3Client") -> None:
    """With Python's own random numbers in the same state, as they are after a restore."""
    state = random.getstate()
    for run in ("run_a", "run_b"):
        random.setstate(state)
        sent = event("write", run=run, body=TOO_LARGE_FOR_THE_HEAD)
        assert functions.send(sent)["statusCode"] == 200
    found = s3.list_objects_v2(Bucket=ENVIRONMENT["RUNSTREAMS_BUCKET"], Prefix="b/")["Contents"]
    assert len({each["Key"].rpartition("/")[2] for each in found}) == 2


def test_copies_pause_apart() -> None:
    """Otherwise all that were throttled at once would come back at once."""
    state, chances = random.getstate(), list[float]()
    for _ in range(2):
        random.setstate(state)
        chances.append(Calls(1)._chance())
    assert chances[0] != chances[1]
