"""What template.yaml declares: storage that cleans up, routes, and functions that may do only their
part.
"""

import json
import os
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from starlette.routing import BaseRoute

from runstreams.core.limits import WAIT_SECONDS_MAX, Limits
from runstreams.core.settings import LIMITS, PREVIOUS_DAYS
from runstreams.http.routes import appending, dashboard, durable, front, managing, reading
from runstreams.stores.aws.deployment import TAGS
from runstreams.stores.aws.table import RECENT
from tests.emulators.resources import create_resources
from tests.functions.handlers import ENVIRONMENT, FUNCTIONS
from tests.functions.sam import sam
from tests.functions.template import (
    TEMPLATE,
    allowed,
    invoked,
    methods_of,
    resource,
    resources,
    route_of,
    routes,
    statements,
    template,
)
from tests.tools import ROOT

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

BUCKET, TABLE = ENVIRONMENT["RUNSTREAMS_BUCKET"], ENVIRONMENT["RUNSTREAMS_TABLE"]

METRICS = ROOT / "src" / "runstreams" / "aws_lambda" / "metrics.py"

ROUTERS = {
    "functions/append": [*appending.router.routes, *durable.writing.routes],
    "functions/read": [*reading.router.routes, *durable.reading.routes],
    "functions/manage": [
        *managing.router.routes,
        *durable.deleting.routes,
        *front.router.routes,
        *dashboard.router.routes,
    ],
}


# Storage


def _lifecycle(s3: "S3Client", bucket: str) -> list[Any]:
    rules: list[Any] = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    return sorted(
        ({key: value for key, value in rule.items() if key != "ID"} for rule in rules), key=str
    )


@pytest.mark.usefixtures("emulated")
def test_the_bucket_removes_objects_after_28_days(s3: "S3Client") -> None:
    expiry = {
        rule["Filter"]["Prefix"]: rule["Expiration"]["Days"]
        for rule in _lifecycle(s3, BUCKET)
        if "Expiration" in rule
    }
    assert expiry == {"b/": 28, "s/": 28}
    assert Limits().retention_ms == 28 * 24 * 60 * 60 * 1000


def test_the_bucket_says_the_limits_that_the_functions_are_told() -> None:
    said = {TAGS[tag["Key"]]: tag["Value"] for tag in resource("Bucket")["Tags"]}
    told = template()["Globals"]["Function"]["Environment"]["Variables"]
    assert said == {name: told[name] for name in LIMITS}


@pytest.mark.usefixtures("emulated")
def test_the_bucket_drops_uploads_that_nobody_finishes(s3: "S3Client") -> None:
    aborts = [rule for rule in _lifecycle(s3, BUCKET) if "AbortIncompleteMultipartUpload" in rule]
    assert [rule["Filter"] for rule in aborts] == [{"Prefix": ""}]


@pytest.mark.usefixtures("emulated")
def test_the_table_forgets_items_by_their_ttl(dynamodb: "DynamoDBClient") -> None:
    found = dynamodb.describe_time_to_live(TableName=TABLE)["TimeToLiveDescription"]
    assert found == {"AttributeName": "ttl", "TimeToLiveStatus": "ENABLED"}


@pytest.mark.usefixtures("emulated")
def test_the_table_can_be_restored_to_a_point_in_time(dynamodb: "DynamoDBClient") -> None:
    backups = dynamodb.describe_continuous_backups(TableName=TABLE)["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"


@pytest.mark.usefixtures("emulated")
def test_the_stores_own_resources_are_those_of_the_template(
    s3: "S3Client", dynamodb: "DynamoDBClient"
) -> None:
    create_resources(s3, dynamodb, "own", "own")
    assert _lifecycle(s3, "own") == _lifecycle(s3, BUCKET)
    own, declared = (dynamodb.describe_table(TableName=name)["Table"] for name in ("own", TABLE))
    assert own["KeySchema"] == declared["KeySchema"]
    assert own["BillingModeSummary"] == declared["BillingModeSummary"]
    mine, theirs = (
        {key: index[key] for key in ("IndexName", "KeySchema", "Projection")}  # type: ignore[literal-required]
        for table in (own, declared)
        for index in table["GlobalSecondaryIndexes"]
    )
    assert mine == theirs


def test_the_bucket_is_private_and_encrypted() -> None:
    bucket = resource("Bucket")
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    [rule] = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"


def test_the_bucket_answers_only_over_tls() -> None:
    [statement] = resource("BucketPolicy")["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Action"]) == ("Deny", "s3:*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert statement["Resource"] == [{"Fn::GetAtt": "Bucket.Arn"}, {"Fn::Sub": "${Bucket.Arn}/*"}]


@pytest.mark.parametrize("name", ["Bucket", "Table"])
def test_streams_outlive_the_stack(name: str) -> None:
    declared = template()["Resources"][name]
    assert declared["UpdateReplacePolicy"] == "Retain"
    # One that was made by a deployment that failed would be in the way of the next.
    assert declared["DeletionPolicy"] == "RetainExceptOnCreate"


# Routes


def _served(routes: Iterable[BaseRoute]) -> list[tuple[str, str]]:
    """Return the methods and paths of *routes*, each part of a path filled in."""
    return [
        (method, route.path.replace("{", "a-").replace("}", ""))  # type: ignore[attr-defined]
        for route in routes
        for method in methods_of(route)
    ]


@pytest.mark.parametrize("folder", ROUTERS)
def test_every_route_leads_to_the_function_that_serves_it(folder: str) -> None:
    served = _served(ROUTERS[folder])
    assert served
    assert {routes()[route_of(method, path)] for method, path in served} == {folder}


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/"), ("GET", "/realtime/v2/x"), ("OPTIONS", "/x"), ("POST", "/realtime/v1/streams")],
)
def test_what_no_route_takes_is_answered_by_the_manage_function(method: str, path: str) -> None:
    assert route_of(method, path) == "$default"
    assert routes()["$default"] == "functions/manage"


def test_every_integration_may_invoke_its_function() -> None:
    integrated = {invoked(each["IntegrationUri"]) for each in _integrations()}
    permissions = resources("AWS::Lambda::Permission").values()
    allowed = {invoked(each["FunctionName"]) for each in permissions}
    assert integrated | {"StreamFunction"} == allowed


def _integrations() -> list[Any]:
    return list(resources("AWS::ApiGatewayV2::Integration").values())


# Functions


def test_there_is_a_function_for_every_folder() -> None:
    declared = {each["CodeUri"] for each in resources("AWS::Serverless::Function").values()}
    assert {f"functions/{name}" for name in FUNCTIONS} == set(ROUTERS)
    assert declared == {f"functions/{name}" for name in (*FUNCTIONS, "stream")}


def test_a_function_ends_before_the_gateway_gives_up_and_after_the_longest_wait() -> None:
    timeout = template()["Globals"]["Function"]["Timeout"]
    assert {each["TimeoutInMillis"] for each in _integrations()} == {30_000}
    assert WAIT_SECONDS_MAX < timeout < 30


@pytest.mark.parametrize("name", ["Append", "Read", "Manage", "Stream"])
def test_a_functions_log_is_kept_for_a_while_only(name: str) -> None:
    assert resource(f"{name}Function")["LoggingConfig"]["LogGroup"] == {"Ref": f"{name}Logs"}
    assert resource(f"{name}Logs")["RetentionInDays"] == 30


BATCHES, SEGMENTS = "${Bucket.Arn}/b/*", "${Bucket.Arn}/s/*"


def test_the_read_function_can_only_read_and_close_what_was_lost() -> None:
    """What it may touch of a head is held against what it does in test_permissions.py."""
    assert [
        statement["Sid"] for statement in statements("ReadFunction") if "Condition" in statement
    ] == ["LosingAndRenewing"]
    assert allowed("ReadFunction") == {
        "dynamodb:GetItem": {"Table.Arn"},
        "dynamodb:Query": {"Table.Arn"},
        "dynamodb:UpdateItem": {"Table.Arn"},
        "s3:GetObject": {BATCHES, SEGMENTS},
        "s3:ListBucket": {"Bucket.Arn"},
        "secretsmanager:GetSecretValue": {"Secret"},
    }


def test_the_append_function_cannot_list_or_delete() -> None:
    assert allowed("AppendFunction") == {
        "dynamodb:GetItem": {"Table.Arn"},
        "dynamodb:PutItem": {"Table.Arn"},
        "dynamodb:UpdateItem": {"Table.Arn"},
        "s3:GetObject": {BATCHES, SEGMENTS},
        "s3:PutObject": {BATCHES, SEGMENTS},
        "s3:DeleteObject": {BATCHES, SEGMENTS},
        "s3:ListBucket": {"Bucket.Arn"},
        "secretsmanager:GetSecretValue": {"Secret"},
    }


def test_only_the_append_function_can_put_batches() -> None:
    putting = {
        name
        for name in ("AppendFunction", "ReadFunction", "ManageFunction")
        if BATCHES in allowed(name).get("s3:PutObject", ())
    }
    assert putting == {"AppendFunction"}


def test_the_stream_function_may_do_what_the_others_may_together() -> None:
    together: dict[str, set[str]] = {}
    for name in ("AppendFunction", "ReadFunction", "ManageFunction"):
        for action, places in allowed(name).items():
            together.setdefault(action, set()).update(places)
    assert allowed("StreamFunction") == together


@pytest.mark.parametrize("name", resources("AWS::Serverless::Function"))
def test_no_role_allows_whole_services(name: str) -> None:
    for action, places in allowed(name).items():
        assert "*" not in action
        assert places <= {
            "Table.Arn",
            "${Table.Arn}/index/recent",
            "Bucket.Arn",
            BATCHES,
            SEGMENTS,
            "Secret",
        }


# The key


def test_the_key_is_made_by_the_template_and_is_no_parameter() -> None:
    generated = resource("Secret")["GenerateSecretString"]
    assert generated["PasswordLength"] >= 32
    given = template()["Globals"]["Function"]["Environment"]["Variables"]
    assert given["RUNSTREAMS_SECRET_ARN"] == {"Ref": "Secret"}
    assert not [name for name in template()["Parameters"] if "Secret" in name]


def test_the_previous_key_is_accepted_as_long_as_the_code_says() -> None:
    assert template()["Parameters"]["PreviousKeyDays"]["Default"] == PREVIOUS_DAYS


# The door for event streams


def test_each_door_has_its_own_resources_and_without_one_there_are_none() -> None:
    conditions = {name: each.get("Condition") for name, each in template()["Resources"].items()}
    found = {name: condition for name, condition in conditions.items() if "Stream" in name}
    assert found.pop("StreamRoute") is None  # of the HTTP API
    doors = {"Streamed", "ByRestApi", "ByFunctionUrl"}
    of_rest_api = {"StreamNamed", "AddressesBounded"}
    for each in of_rest_api:
        assert {"Condition": "ByRestApi"} in template()["Conditions"][each]["Fn::And"]
    deployments = {f"BreaksAfter{seconds}" for seconds in template()["Mappings"]["StreamTimeout"]}
    assert set(found.values()) == doors | of_rest_api | deployments
    assert template()["Outputs"]["StreamUrl"]["Condition"] == "Streamed"


def test_the_dashboard_is_named_where_it_is_always_served() -> None:
    output = template()["Outputs"]["DashboardUrl"]
    assert output["Value"] == {"Fn::Sub": "${Api.ApiEndpoint}/dashboard"}
    assert "Condition" not in output
    assert routes()[route_of("GET", "/dashboard")] == "functions/manage"


def test_the_rest_api_sends_answers_on_as_they_come() -> None:
    integration = resource("StreamApiMethod")["Integration"]
    assert integration["ResponseTransferMode"] == "STREAM"
    assert integration["Uri"]["Fn::Sub"].endswith("/response-streaming-invocations")
    assert resource("StreamApi")["EndpointConfiguration"]["Types"] == ["REGIONAL"]


def test_the_rest_api_takes_its_own_address_like_any_path_below_it() -> None:
    root, below = resource("StreamApiRootMethod"), resource("StreamApiMethod")
    assert root["ResourceId"] == {"Fn::GetAtt": "StreamApi.RootResourceId"}
    assert root | {"ResourceId": below["ResourceId"]} == below
    declared = template()["Resources"].values()
    deployments = [each for each in declared if each["Type"] == "AWS::ApiGateway::Deployment"]
    assert all("StreamApiRootMethod" in each["DependsOn"] for each in deployments)


@pytest.mark.parametrize("name", ["StreamApiRefusal", "StreamApiFailure"])
def test_what_the_rest_api_refuses_by_itself_can_be_read_by_browsers(name: str) -> None:
    headers = resource(name)["ResponseParameters"]
    assert headers["gatewayresponse.header.Access-Control-Allow-Origin"] == "'*'"


def test_the_function_url_streams_and_leaves_it_to_the_application_who_may() -> None:
    assert resource("StreamUrl")["InvokeMode"] == "RESPONSE_STREAM"
    actions = {
        each["Action"]
        for each in resources("AWS::Lambda::Permission").values()
        if each["Principal"] == "*"
    }
    assert actions == {"lambda:InvokeFunctionUrl", "lambda:InvokeFunction"}


def test_the_adapter_starts_our_script_and_streams() -> None:
    function = resource("StreamFunction")
    assert os.access(ROOT / function["CodeUri"] / function["Handler"], os.X_OK)
    given = function["Environment"]["Variables"]
    assert given["AWS_LAMBDA_EXEC_WRAPPER"] == "/opt/bootstrap"
    assert given["AWS_LWA_INVOKE_MODE"] == "response_stream"
    assert given["AWS_LWA_READINESS_CHECK_PATH"] == "/health"


# Operations


def test_alarms_watch_throttled_reads_and_the_index_too() -> None:
    alarms = resources("AWS::CloudWatch::Alarm").values()
    watched = {
        (each["MetricName"], *(one["Value"] for one in each["Dimensions"][1:]))
        for each in alarms
        if each["Namespace"] == "AWS/DynamoDB"
    }
    throttles = {("WriteThrottleEvents",), ("ReadThrottleEvents",)}
    assert watched == throttles | {("WriteThrottleEvents", RECENT)}


def test_alarms_watch_failures_throttles_and_slow_appends() -> None:
    alarms = resources("AWS::CloudWatch::Alarm")
    watched = {each.get("MetricName", "Throttles") for each in alarms.values()}
    throttles = {"Throttles", "WriteThrottleEvents", "ReadThrottleEvents", "ConcurrentExecutions"}
    assert watched == {"5xx", "5XXError", "AppendLatency"} | throttles
    assert alarms["AppendLatencyAlarm"]["ExtendedStatistic"] == "p99"
    assert {each["TreatMissingData"] for each in alarms.values()} == {"notBreaching"}


def test_the_dashboard_shows_each_metric_that_the_functions_tell() -> None:
    body, _ = resource("Dashboard")["DashboardBody"]["Fn::Sub"]
    widgets = json.loads(body)["widgets"]
    shown = {
        metric[1] for each in widgets for metric in each["properties"]["metrics"][:] if metric[1:]
    }
    told = set(
        re.findall(r'(?:add_metric|_timed)\((?:self\._metrics, )?"(\w+)"', METRICS.read_text())
    )
    assert told
    assert told <= shown
    assert {"Throttles", "Errors", "5xx", "ColdStart"} <= shown


# sam local


def test_the_api_comes_before_the_functions() -> None:
    """`sam local start-api` finds no route otherwise (SAM CLI 1.170)."""
    names = list(template()["Resources"])
    apis = [names.index(name) for name in resources("AWS::ApiGatewayV2::Route")]
    assert max(apis) < min(map(names.index, resources("AWS::Serverless::Function")))


# Tools


DOORS = [
    "rest-api",
    *(pytest.param(door, marks=pytest.mark.soak) for door in ("function-url", "none")),
]


@pytest.mark.needs("sam")
@pytest.mark.parametrize("door", DOORS)
def test_sam_finds_nothing_wrong_with_any_door(door: str, tmp_path: Path) -> None:
    copy = tmp_path / "template.yaml"
    copy.write_text(TEMPLATE.read_text().replace("Default: rest-api", f"Default: {door}"))
    found = sam("validate", "--lint", "--template-file", copy)
    assert "is a valid SAM Template" in found


@pytest.mark.parametrize("environment", ["default", "dev", "prod"])
def test_samconfig_sets_each_command_for_each_environment(environment: str) -> None:
    commands = tomllib.loads((ROOT / "samconfig.toml").read_text())[environment]
    local = {"local_invoke", "local_start_api"}
    assert {"global", "validate", "build", "deploy"} | local == set(commands)
    assert commands["validate"]["parameters"]["lint"] is True
    for command in commands.values():
        overrides = command["parameters"].get("parameter_overrides", [])
        assert {each.split("=")[0] for each in overrides} <= set(template()["Parameters"])
