"""template.yaml as data: parameters filled in, and what it declares made in an emulated AWS."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from tests.functions.filling import Filled
from tests.tools import ROOT

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

TEMPLATE = ROOT / "template.yaml"


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms."""


def _long_form(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.SequenceNode):
        value: Any = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.ScalarNode)
        value = loader.construct_scalar(node)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _long_form)


def load(path: Path) -> Any:
    """Return a template as it is written."""
    return yaml.load(path.read_text(), _Loader)


@cache
def raw() -> Any:
    """Return the template of the functions as it is written."""
    return load(TEMPLATE)


@cache
def template() -> Any:
    """Return the template with its parameters' defaults."""
    return Filled(raw()).whole()


def resource(name: str) -> Any:
    """Return the properties of a resource."""
    return template()["Resources"][name]["Properties"]


def resources(kind: str) -> dict[str, Any]:
    """Return the properties of all resources of a *kind*, by name."""
    return {
        name: each["Properties"]
        for name, each in template()["Resources"].items()
        if each["Type"] == kind
    }


def routes() -> dict[str, str]:
    """Return which function each route key goes to, by the function's folder."""
    integrations = {
        name: resource(invoked(each["IntegrationUri"]))["CodeUri"]
        for name, each in resources("AWS::ApiGatewayV2::Integration").items()
    }
    return {
        route["RouteKey"]: integrations[route["Target"]["Fn::Sub"][len("integrations/${") : -1]]
        for route in resources("AWS::ApiGatewayV2::Route").values()
    }


def invoked(place: Any) -> str:
    """Return the function whose ARN *place* is."""
    name: str = place["Fn::GetAtt"].removesuffix(".Arn")
    return name


def route_of(method: str, path: str) -> str:
    """Return the route key that API Gateway chooses: a full match before a greedy one, fixed words
    before variables, a method before ANY, and then `$default`.
    """
    fitting = [key for key in routes() if key != "$default" and _fits(key, method, path)]
    return max(fitting, key=_rank, default="$default")


def methods_of(route: Any) -> set[str]:
    """Return the methods of a route; one that is plain ASGI keeps them in its endpoint."""
    return set(getattr(route.endpoint, "handlers", None) or route.methods)


def _fits(key: str, method: str, path: str) -> bool:
    wanted_method, wanted = key.split(" ")
    parts, given = wanted.split("/"), path.split("/")
    if wanted_method not in (method, "ANY") or len(parts) > len(given):
        return False
    greedy = parts[-1].endswith("+}")
    if not greedy and len(parts) < len(given):
        return False
    return all(
        part.startswith("{") or part == word for part, word in zip(parts, given, strict=False)
    )


def _rank(key: str) -> tuple[bool, int, bool]:
    method, path = key.split(" ")
    words = [part for part in path.split("/") if not part.startswith("{")]
    return not path.endswith("+}"), len(words), method != "ANY"


def statements(function: str) -> list[dict[str, Any]]:
    """Return the statements of a function's role, but for the right to write its log."""
    role = resource(function)["Role"]["Fn::GetAtt"].removesuffix(".Arn")
    [policy] = resource(role)["Policies"]
    found: list[dict[str, Any]] = policy["PolicyDocument"]["Statement"]
    return [each for each in found if each["Sid"] != "Logs"]


def allowed(function: str) -> dict[str, set[str]]:
    """Return what a function's role allows: its actions, each with the resources."""
    return allowed_by(statements(function))


def allowed_by(statements: list[dict[str, Any]]) -> dict[str, set[str]]:
    """Return what *statements* allow: their actions, each with the resources."""
    found: dict[str, set[str]] = {}
    for statement in statements:
        assert statement["Effect"] == "Allow"
        actions, places = statement["Action"], statement["Resource"]
        for action in actions if isinstance(actions, list) else [actions]:
            for place in places if isinstance(places, list) else [places]:
                found.setdefault(action, set()).update(place.values())
    return found


def stream_linger() -> float:
    """Return the seconds by which the stream function outlives the gateway's patience."""
    [difference] = {
        each["Function"] - each["Gateway"] / 1000
        for each in template()["Mappings"]["StreamTimeout"].values()
    }
    return float(difference)


def create_bucket(s3: "S3Client", name: str) -> None:
    """Make the bucket that the template declares.

    Without its policy, whose conditions the emulator does not read: it would refuse everything.
    """
    declared = resource("Bucket")
    s3.create_bucket(Bucket=name)
    s3.put_public_access_block(
        Bucket=name, PublicAccessBlockConfiguration=declared["PublicAccessBlockConfiguration"]
    )
    rules: Any = [_lifecycle(rule) for rule in declared["LifecycleConfiguration"]["Rules"]]
    s3.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": rules})
    encryption: Any = {
        "Rules": [
            {"ApplyServerSideEncryptionByDefault": rule["ServerSideEncryptionByDefault"]}
            for rule in declared["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        ]
    }
    s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration=encryption)


def _lifecycle(rule: dict[str, Any]) -> dict[str, Any]:
    """Return a rule as the API has it; CloudFormation's words differ."""
    translated = {"ID": rule["Id"], "Status": rule["Status"]}
    translated["Filter"] = {"Prefix": rule.get("Prefix", "")}
    if "ExpirationInDays" in rule:
        translated["Expiration"] = {"Days": rule["ExpirationInDays"]}
    if abort := rule.get("AbortIncompleteMultipartUpload"):
        translated["AbortIncompleteMultipartUpload"] = abort
    return translated


def create_table(dynamodb: "DynamoDBClient", name: str) -> None:
    """Make the table that the template declares."""
    declared = dict(resource("Table"))
    lifetime = declared.pop("TimeToLiveSpecification")
    recovery = declared.pop("PointInTimeRecoverySpecification")
    encryption = declared.pop("SSESpecification")
    dynamodb.create_table(
        TableName=name, **declared, SSESpecification={"Enabled": encryption["SSEEnabled"]}
    )
    dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification=lifetime)
    dynamodb.update_continuous_backups(TableName=name, PointInTimeRecoverySpecification=recovery)
