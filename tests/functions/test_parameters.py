"""What the parameters of the template do, in the template that CloudFormation gets."""

import json
import re
from typing import Any

import pytest

from runstreams.aws_lambda.web import OUTLIVING_SECONDS
from tests.functions.filling import Filled, Template
from tests.functions.translation import translated
from tests.tools import ROOT

pytestmark = pytest.mark.needs("sam")

FUNCTIONS = ("AppendFunction", "ReadFunction", "ManageFunction", "StreamFunction")
HTTP = FUNCTIONS[:3]
ROLES = ("AppendRole", "ReadRole", "ManageRole", "StreamRole")
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
    ("RunMaxStreams", 7, FUNCTIONS, f"{VARIABLES}RUNSTREAMS_RUN_MAX_STREAMS"),
    ("RunMaxStreams", 7, ("Bucket",), "Tags/2/Value"),
    ("Epoch", 3, FUNCTIONS, f"{VARIABLES}RUNSTREAMS_EPOCH"),
    ("Epoch", 3, ("Bucket",), "Tags/3/Value"),
    ("InlineBytes", 0, FUNCTIONS, f"{VARIABLES}RUNSTREAMS_INLINE_BYTES"),
    ("InlineBytes", 0, ("Bucket",), "Tags/4/Value"),
    ("PollMs", 50, FUNCTIONS, f"{VARIABLES}RUNSTREAMS_POLL_MS"),
    ("PollMs", 50, ("Bucket",), "Tags/5/Value"),
    ("RecoveryDays", 7, ("Table",), "PointInTimeRecoverySpecification/RecoveryPeriodInDays"),
    ("ExistingBucket", "kept", FUNCTIONS, f"{VARIABLES}RUNSTREAMS_BUCKET"),
    ("ExistingTable", "kept", FUNCTIONS, f"{VARIABLES}RUNSTREAMS_TABLE"),
    ("KmsKeyArn", "arn:key", ("Secret", "AppendLogs", "StreamLogs"), "KmsKeyId"),
    ("KmsKeyArn", "arn:key", ("Table",), "SSESpecification/KMSMasterKeyId"),
    ("PermissionsBoundary", "arn:policy", ROLES, "PermissionsBoundary"),
    ("AppendReservedConcurrency", 20, ("AppendFunction",), "ReservedConcurrentExecutions"),
    ("RequestRate", 7, ("Stage",), "DefaultRouteSettings/ThrottlingRateLimit"),
    ("RequestBurst", 7, ("Stage",), "DefaultRouteSettings/ThrottlingBurstLimit"),
    ("RequestRate", 7, ("StreamApiStage",), "MethodSettings/0/ThrottlingRateLimit"),
    ("RequestBurst", 7, ("StreamApiStage",), "MethodSettings/0/ThrottlingBurstLimit"),
    ("OpenRate", 7, ("Stage",), "RouteSettings/$default/ThrottlingRateLimit"),
    ("OpenBurst", 7, ("Stage",), "RouteSettings/$default/ThrottlingBurstLimit"),
    ("OpenRate", 7, ("StreamApiStage",), "MethodSettings/1/ThrottlingRateLimit"),
    ("OpenBurst", 7, ("StreamApiStage",), "MethodSettings/3/ThrottlingBurstLimit"),
    ("TableMaxWriteUnits", 7, ("Table",), "OnDemandThroughput/MaxWriteRequestUnits"),
    ("TableMaxReadUnits", 7, ("Table",), "OnDemandThroughput/MaxReadRequestUnits"),
    ("ConcurrencyAlarm", 7, ("ConcurrencyUsedAlarm",), "Threshold"),
    ("SpreadKeys", "off", FUNCTIONS, f"{VARIABLES}RUNSTREAMS_SPREAD"),
    ("ShortClients", "off", FUNCTIONS, f"{VARIABLES}RUNSTREAMS_SHORT_CLIENTS"),
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
    """The rest decides which resources there are: below, and in `test_snap_start.py`."""
    tried = {parameter for parameter, *_ in PLACES}
    doors = {"StreamEndpoint", "StreamTimeout", "AdapterLayerVersion"}
    edge = {"EdgeCache", "EdgeDomainName", "EdgeCertificateArn"}  # test_edge.py
    others = {"AddressRate", "AccessLogs", "DomainName", "StreamDomainName", "CertificateArn"}
    assert set(template["Parameters"]) == tried | doors | others | edge | {"SnapStart"}


def test_the_console_shows_every_parameter_in_a_group(template: Template) -> None:
    groups = template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    grouped = [name for group in groups for name in group["Parameters"]]
    assert sorted(grouped) == sorted(template["Parameters"])


def test_by_default_functions_run_python_3_13_on_arm64(template: Template) -> None:
    for name in FUNCTIONS:
        function = Filled(template).resource(name)
        assert (function["Runtime"], function["Architectures"]) == ("python3.13", ["arm64"])


def test_by_default_nothing_is_reserved_and_nobody_is_told_of_alarms(template: Template) -> None:
    """Of an account's concurrency, 100 must stay unreserved, and a new one may have no more."""
    for name in FUNCTIONS:
        assert "ReservedConcurrentExecutions" not in Filled(template).resource(name)
    assert "AlarmActions" not in Filled(template).resource("FailuresAlarm")


# What is there already


def test_an_existing_bucket_and_table_are_used_and_no_others_made(template: Template) -> None:
    filled = Filled(template, ExistingBucket="kept", ExistingTable="heads")
    assert not {"Bucket", "BucketPolicy", "Table"} & filled.there().keys()
    arns = json.dumps([filled.resource(name) for name in (*ROLES, "ProducerPolicy")])
    assert "table/heads" in arns
    assert "s3:::kept/b/*" in arns
    assert not re.search(r"Bucket[.,]|Table[.,]", arns)


def _referred(value: Any) -> set[str]:
    """Return what *value* refers to that is no pseudo parameter."""
    text = json.dumps(value)
    found = re.findall(r'"(?:Ref|Fn::GetAtt)": \[?"(\w+)|\$\{(\w+)[.}]', text)
    return {one or other for one, other in found} - {"AWS"}


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"ExistingBucket": "kept", "ExistingTable": "heads", "StreamEndpoint": "none"},
        {"DomainName": "a.example", "StreamDomainName": "b.example", "CertificateArn": "arn"},
        {"StreamEndpoint": "function-url", "StreamDomainName": "b.example", "AccessLogs": "both"},
        {"AddressRate": 100, "AccessLogs": "both", "KmsKeyArn": "arn", "Tracing": "on"},
        {"TableMaxWriteUnits": 0, "TableMaxReadUnits": 0, "ConcurrencyAlarm": 0},
    ],
)
def test_nothing_refers_to_what_is_not_there(template: Template, given: dict[str, Any]) -> None:
    filled = Filled(template, **given)
    there = filled.there()
    parts = {"Publisher", "Name", "Heads"}
    for name in there:
        assert _referred(filled.resource(name)) <= there.keys() | parts, name
    for name, output in filled.outputs().items():
        assert _referred(output) <= there.keys(), name


def test_roles_allow_keys_and_traces_only_where_there_are_any(template: Template) -> None:
    for name in ROLES:
        usual, all_of_it = (
            {
                each["Sid"]
                for each in filled.resource(name)["Policies"][0]["PolicyDocument"]["Statement"]
            }
            for filled in (Filled(template), Filled(template, KmsKeyArn="arn", Tracing="on"))
        )
        assert all_of_it - usual == {"Encryption", "Traces"}


def test_a_function_writes_its_own_log_and_has_no_rights_but_its_roles(template: Template) -> None:
    filled = Filled(template)
    assert set(filled.of_type("AWS::IAM::Role")) == set(ROLES)
    for name in ROLES:
        role = filled.resource(name)
        assert "ManagedPolicyArns" not in role
        [logs] = [
            each
            for each in role["Policies"][0]["PolicyDocument"]["Statement"]
            if each["Sid"] == "Logs"
        ]
        assert logs["Resource"] == {"Fn::GetAtt": [name.replace("Role", "Logs"), "Arn"]}


def test_names_of_ones_own_lead_to_both_doors(template: Template) -> None:
    given = {"DomainName": "a.example", "StreamDomainName": "b.example", "CertificateArn": "arn"}
    filled = Filled(template, **given)
    assert {
        "ApiDomain",
        "ApiMapping",
        "StreamDomain",
        "StreamDomainMapping",
    } <= filled.there().keys()
    assert filled.outputs()["ApiUrl"]["Value"] == {"Fn::Sub": "https://a.example"}
    assert filled.outputs()["StreamUrl"]["Value"] == {"Fn::Sub": "https://b.example"}
    told = filled.resource("ReadFunction")["Environment"]["Variables"]["RUNSTREAMS_STREAMING_URL"]
    assert told == {"Fn::Sub": "https://b.example"}


# Bounds


def test_what_asks_for_no_token_has_bounds_of_its_own_at_both_doors(template: Template) -> None:
    filled = Filled(template, RequestRate=9, OpenRate=1)
    keys = {each["RouteKey"] for each in filled.of_type("AWS::ApiGatewayV2::Route").values()}
    open_ = {"$default", "ANY /health"}
    assert filled.resource("Stage")["RouteSettings"].keys() == open_ < keys
    settings = filled.resource("StreamApiStage")["MethodSettings"]
    rates = {
        (each["ResourcePath"], each["HttpMethod"]): each["ThrottlingRateLimit"] for each in settings
    }
    assert rates.pop(("/*", "*")) == 9
    assert set(rates.values()) == {1}
    assert rates.keys() == {
        ("/~1{proxy+}", "*"),
        ("/~1realtime~1{proxy+}", "OPTIONS"),
        ("/~1api~1{proxy+}", "OPTIONS"),
        ("/~1v1~1{proxy+}", "OPTIONS"),
    }


def test_routes_are_there_before_the_stage_that_bounds_them(template: Template) -> None:
    bounded = Filled(template).resource("Stage")["RouteSettings"]
    waits = template["Resources"]["Stage"]["DependsOn"]
    assert {Filled(template).resource(name)["RouteKey"] for name in waits} == bounded.keys()


def test_addresses_are_bounded_at_the_rest_api_where_that_is_wanted(template: Template) -> None:
    kinds = ("AWS::WAFv2::WebACL", "AWS::WAFv2::WebACLAssociation")
    for given, count in (
        ({}, 0),
        ({"AddressRate": 100}, 1),
        ({"AddressRate": 100, "StreamEndpoint": "none"}, 0),
    ):
        assert [len(Filled(template, **given).made(kind)) for kind in kinds] == [count] * 2
    [rule] = Filled(template, AddressRate=100).resource("StreamFirewall")["Rules"]
    assert rule["Statement"]["RateBasedStatement"] == {"AggregateKeyType": "IP", "Limit": 100}


@pytest.mark.parametrize(("logs", "stages"), [("off", 0), ("http-api", 1), ("both", 2)])
def test_requests_are_logged_where_that_is_wanted(
    template: Template, logs: str, stages: int
) -> None:
    """The REST API needs a role that not every account has set."""
    filled = Filled(template, AccessLogs=logs)
    both = (("Stage", "AccessLogSettings"), ("StreamApiStage", "AccessLogSetting"))
    found = [filled.resource(name)[key] for name, key in both if key in filled.resource(name)]
    assert len(found) == stages
    assert ("AccessLogGroup" in filled.there()) == bool(stages)
    for each in found:
        json.loads(each["Format"])


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
    assert Filled(template, StreamEndpoint=door).made(GATEWAY_DEPLOYMENT) == []


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
    variables = Filled(template, StreamEndpoint=door).resource("ReadFunction")["Environment"]
    found = variables["Variables"]["RUNSTREAMS_STREAMING_URL"]
    assert found == (url if door != "rest-api" else {"Fn::Sub": url})
