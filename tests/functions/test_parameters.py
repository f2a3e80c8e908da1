"""What the parameters of the template do, in the template that CloudFormation gets."""

from typing import Any

import pytest

from tests.functions.translation import Filled, Template, translated

pytestmark = pytest.mark.needs("sam")

FUNCTIONS = ("AppendFunction", "ReadFunction", "ManageFunction", "StreamFunction")
HTTP = FUNCTIONS[:3]
READERS = ("ReadFunction", "StreamFunction")
WRITERS = ("AppendFunction", "ManageFunction")


@pytest.fixture(scope="module")
def template() -> Template:
    return translated()


def _at(properties: Any, path: str) -> Any:
    """Return what *path* leads to; numbers in it count the members of a list."""
    for part in path.split("/"):
        properties = properties[int(part) if part.isdigit() else part]
    return properties


VARIABLES = "Environment/Variables/"

PLACES: list[tuple[str, Any, tuple[str, ...], str]] = [
    ("AllowedOrigins", "https://a.example", FUNCTIONS, f"{VARIABLES}RUNSTREAMS_ALLOWED_ORIGINS"),
    ("RetentionDays", 7, FUNCTIONS, f"{VARIABLES}RUNSTREAMS_RETENTION_DAYS"),
    ("RetentionDays", 7, ("Bucket",), "LifecycleConfiguration/Rules/0/ExpirationInDays"),
    ("RetentionDays", 7, ("Bucket",), "LifecycleConfiguration/Rules/1/ExpirationInDays"),
    ("RetentionDays", 7, ("Bucket",), "Tags/0/Value"),
    ("StreamMaxBytes", 0, FUNCTIONS, f"{VARIABLES}RUNSTREAMS_STREAM_MAX_BYTES"),
    ("StreamMaxBytes", 0, ("Bucket",), "Tags/1/Value"),
    ("PreviousKeyDays", 1, FUNCTIONS, f"{VARIABLES}RUNSTREAMS_PREVIOUS_KEY_DAYS"),
    ("MemorySize", 1024, WRITERS, "MemorySize"),
    ("ReadMemorySize", 512, READERS, "MemorySize"),
    ("ReservedConcurrency", 50, READERS, "ReservedConcurrentExecutions"),
    ("StreamTimeout", 60, ("StreamFunction",), "Timeout"),
    ("LogLevel", "DEBUG", FUNCTIONS, f"{VARIABLES}POWERTOOLS_LOG_LEVEL"),
    ("LogRetentionDays", 90, ("AppendLogs", "ReadLogs", "StreamLogs"), "RetentionInDays"),
    ("Architecture", "x86_64", FUNCTIONS, "Architectures/0"),
    ("Tracing", "on", FUNCTIONS, f"{VARIABLES}RUNSTREAMS_TRACING"),
    ("EndpointUrl", "http://127.0.0.1:1", FUNCTIONS, f"{VARIABLES}AWS_ENDPOINT_URL"),
    ("AlarmTopicArn", "arn:topic", ("FailuresAlarm", "AppendLatencyAlarm"), "AlarmActions/0"),
    ("AdapterLayerArn", "arn:layer", ("StreamFunction",), "Layers/2"),
]


@pytest.mark.parametrize(("parameter", "value", "names", "path"), PLACES)
def test_a_parameter_arrives_where_it_counts(
    template: Template, parameter: str, value: Any, names: tuple[str, ...], path: str
) -> None:
    usual, filled = Filled(template), Filled(template, **{parameter: value})
    for name in names:
        assert _at(filled.resource(name), path) == value
        assert filled.resource(name) != usual.resource(name)


def test_every_parameter_is_tried(template: Template) -> None:
    """The rest is about doors and snapshots: below, and in `test_snap_start.py`."""
    tried = {parameter for parameter, *_ in PLACES} | {"StreamDoor", "SnapStart"}
    assert set(template["Parameters"]) == tried


def test_by_default_functions_run_python_3_13_on_arm64(template: Template) -> None:
    for name in FUNCTIONS:
        function = Filled(template).resource(name)
        assert (function["Runtime"], function["Architectures"]) == ("python3.13", ["arm64"])


def test_by_default_nothing_is_reserved_and_nobody_is_told_of_alarms(template: Template) -> None:
    nothing = {"Ref": "AWS::NoValue"}
    assert Filled(template).resource("ReadFunction")["ReservedConcurrentExecutions"] == nothing
    assert Filled(template).resource("FailuresAlarm")["AlarmActions"] == nothing


@pytest.mark.parametrize(
    ("architecture", "layer"),
    [("arm64", "LambdaAdapterLayerArm64"), ("x86_64", "LambdaAdapterLayerX86")],
)
def test_the_adapters_layer_is_pinned_for_either_processor(
    template: Template, architecture: str, layer: str
) -> None:
    function = Filled(template, Architecture=architecture).resource("StreamFunction")
    arn, known = function["Layers"][2]["Fn::Sub"]
    assert (arn.rpartition(":")[2], known["Name"]) == ("26", layer)


@pytest.mark.parametrize(
    ("door", "url"),
    [
        ("rest-api", "https://${StreamApi}.execute-api.${AWS::Region}.${AWS::URLSuffix}/live"),
        ("function-url", {"Fn::GetAtt": ["StreamUrl", "FunctionUrl"]}),
        ("none", ""),
    ],
)
def test_readers_at_the_http_api_are_told_the_door_for_event_streams(
    template: Template, door: str, url: Any
) -> None:
    variables = Filled(template, StreamDoor=door).resource("ReadFunction")["Environment"]
    found = variables["Variables"]["RUNSTREAMS_STREAMING_URL"]
    assert found == (url if door != "rest-api" else {"Fn::Sub": url})
