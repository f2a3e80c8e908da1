"""What the parameters of the template do, in the template that CloudFormation gets."""

from typing import Any

import pytest

from runstreams.aws_lambda.web import OUTLIVING_SECONDS
from tests.functions.translation import Filled, Template, translated
from tests.tools import ROOT

pytestmark = pytest.mark.needs("sam")

FUNCTIONS = ("AppendFunction", "ReadFunction", "ManageFunction", "StreamFunction")
HTTP = FUNCTIONS[:3]
READERS = ("ReadFunction", "StreamFunction")
WRITERS = ("AppendFunction", "ManageFunction")

GATEWAY_DEPLOYMENT = "AWS::ApiGateway::Deployment"


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
    ("LingerMs", 500, FUNCTIONS, f"{VARIABLES}RUNSTREAMS_LINGER_MS"),
    ("SpreadKeys", "off", FUNCTIONS, f"{VARIABLES}RUNSTREAMS_SPREAD"),
    ("PreviousKeyDays", 1, FUNCTIONS, f"{VARIABLES}RUNSTREAMS_PREVIOUS_KEY_DAYS"),
    ("MemorySize", 1024, WRITERS, "MemorySize"),
    ("ReadMemorySize", 512, READERS, "MemorySize"),
    ("ReservedConcurrency", 50, READERS, "ReservedConcurrentExecutions"),
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
    tried = {parameter for parameter, *_ in PLACES}
    doors = {"StreamDoor", "StreamTimeout", "AdapterLayerVersion"}
    assert set(template["Parameters"]) == tried | doors | {"SnapStart"}


def test_by_default_functions_run_python_3_13_on_arm64(template: Template) -> None:
    for name in FUNCTIONS:
        function = Filled(template).resource(name)
        assert (function["Runtime"], function["Architectures"]) == ("python3.13", ["arm64"])


def test_by_default_nothing_is_reserved_and_nobody_is_told_of_alarms(template: Template) -> None:
    nothing = {"Ref": "AWS::NoValue"}
    assert Filled(template).resource("ReadFunction")["ReservedConcurrentExecutions"] == nothing
    assert Filled(template).resource("FailuresAlarm")["AlarmActions"] == nothing


@pytest.mark.parametrize("seconds", [60, 300, 890])
def test_the_gateway_loses_its_patience_seconds_before_the_function_ends(
    template: Template, seconds: int
) -> None:
    """Where the function ends first, the published clients take that for the end of the stream."""
    filled = Filled(template, StreamTimeout=seconds)
    integration = filled.resource("StreamApiMethod")["Integration"]
    assert integration["TimeoutInMillis"] == seconds * 1000
    assert filled.resource("StreamFunction")["Timeout"] == seconds + OUTLIVING_SECONDS <= 900


def test_another_patience_is_another_deployment(template: Template) -> None:
    """A deployment is a snapshot of the methods, and would keep the patience it was made with."""
    values = template["Parameters"]["StreamTimeout"]["AllowedValues"]
    assert set(values) == {int(each) for each in template["Mappings"]["StreamTimeout"]}
    stages = [Filled(template, StreamTimeout=each).resource("StreamApiStage") for each in values]
    deployments = [stage["DeploymentId"]["Ref"] for stage in stages]
    made = [Filled(template, StreamTimeout=each).made(GATEWAY_DEPLOYMENT) for each in values]
    assert made == [[name] for name in deployments]
    assert len(set(deployments)) == len(values)


@pytest.mark.parametrize("door", ["function-url", "none"])
def test_without_a_rest_api_nothing_of_it_is_deployed(template: Template, door: str) -> None:
    assert Filled(template, StreamDoor=door).made(GATEWAY_DEPLOYMENT) == []


@pytest.mark.parametrize(
    ("architecture", "layer"),
    [("arm64", "LambdaAdapterLayerArm64"), ("x86_64", "LambdaAdapterLayerX86")],
)
@pytest.mark.parametrize(
    ("region", "publisher"),
    [
        ("us-east-1", "753240598075"),
        ("cn-north-1", "041581134020"),
        ("cn-northwest-1", "069767869989"),
    ],
)
def test_the_adapters_layer_is_its_publishers_for_the_region_and_the_processor(
    template: Template, region: str, publisher: str, architecture: str, layer: str
) -> None:
    known = {"AWS::Region": region, "Architecture": architecture, "AdapterLayerVersion": 31}
    arn, parts = Filled(template, **known).resource("StreamFunction")["Layers"][2]["Fn::Sub"]
    assert parts == {"Publisher": publisher, "Name": layer}
    assert arn == ("arn:${AWS::Partition}:lambda:${AWS::Region}:${Publisher}:layer:${Name}:31")


def test_by_default_the_adapter_is_the_release_that_the_documents_name(template: Template) -> None:
    version = template["Parameters"]["AdapterLayerVersion"]["Default"]
    assert f"`AdapterLayerVersion` | `{version}`" in (ROOT / "docs" / "deployment.md").read_text()


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
