"""What deploy/readers.yaml declares: rights as the function that reads has them, and lengths of
time that fit the server's own.
"""

from typing import Any

import pytest

from runstreams.core.limits import PING_SECONDS, WAIT_SECONDS_MAX
from runstreams.core.settings import PREVIOUS_KEY_DAYS, SECRET_ARN
from runstreams.costs import tier
from runstreams.serve.running import KEEP_ALIVE_SECONDS
from runstreams.serve.server import STOP_SECONDS
from runstreams.serve.settings import OPTIONS, Settings
from tests.functions.filling import Filled
from tests.functions.template import load, raw
from tests.tools import ROOT

TEMPLATE = load(ROOT / "deploy" / "readers.yaml")
GIVEN = {"BucketName": "the-bucket", "TableName": "the-table", "SecretArn": "the-secret"}
OPTIONAL = {"KmsKeyArn": "the-key", "MetricsKeyArn": "the-metrics", "AlarmTopicArn": "the-topic"}


@pytest.fixture
def filled() -> Filled:
    return Filled(TEMPLATE, **GIVEN)


def container(filled: Filled) -> Any:
    [found] = filled.resource("Task")["ContainerDefinitions"]
    return found


def statements(role: Any) -> dict[str, Any]:
    [policy] = role["Policies"]
    found = policy["PolicyDocument"]["Statement"]
    return {each["Sid"]: {k: v for k, v in each.items() if k != "Resource"} for each in found}


def attributes(of: Any) -> dict[str, str]:
    return {each["Key"]: each["Value"] for each in of}


@pytest.mark.parametrize("key", ["", "the-key"])
def test_tasks_may_what_the_function_may_that_reads_and_see_the_limits(key: str) -> None:
    mine = statements(Filled(TEMPLATE, **GIVEN, KmsKeyArn=key).resource("ReadersRole"))
    functions = statements(Filled(raw(), KmsKeyArn=key).resource("ReadRole"))
    names = mine.pop("NamesAndLimits")
    assert names.pop("Action") == [functions.pop("Names").pop("Action"), "s3:GetBucketTagging"]
    del functions["Logs"]  # whoever starts the task writes them
    assert mine == functions


def test_every_right_is_to_what_the_stack_beside_it_has(filled: Filled) -> None:
    [policy] = filled.resource("ReadersRole")["Policies"]
    for each in policy["PolicyDocument"]["Statement"]:
        assert any(name in str(each["Resource"]) for name in GIVEN.values()), each["Sid"]


def test_a_balancer_waits_longer_than_readers_are_silent_and_not_as_long_as_the_server(
    filled: Filled,
) -> None:
    balancer = attributes(filled.resource("Balancer")["LoadBalancerAttributes"])
    idle = float(balancer["idle_timeout.timeout_seconds"])
    assert max(PING_SECONDS, WAIT_SECONDS_MAX) < idle < KEEP_ALIVE_SECONDS


def test_a_task_that_goes_answers_its_long_polls_and_is_not_killed(filled: Filled) -> None:
    targets = attributes(filled.resource("Targets")["TargetGroupAttributes"])
    assert float(targets["deregistration_delay.timeout_seconds"]) > WAIT_SECONDS_MAX
    assert container(filled)["StopTimeout"] > STOP_SECONDS


def test_tasks_are_told_what_the_server_takes(filled: Filled) -> None:
    told = {each["Name"] for each in container(filled)["Environment"]}
    known = {option.variable for option in OPTIONS} | {SECRET_ARN, PREVIOUS_KEY_DAYS}
    known |= {"RUNSTREAMS_BUCKET", "RUNSTREAMS_TABLE", "AWS_DEFAULT_REGION"}
    assert told <= known
    [port] = container(filled)["PortMappings"]
    targets = filled.resource("Targets")
    assert port["ContainerPort"] == targets["Port"] == Settings().port
    assert targets["HealthCheckPath"] == "/health"


def test_nothing_reaches_a_task_but_the_balancer_and_what_is_named_for_its_metrics() -> None:
    def sources(**parameters: str) -> list[Any]:
        group = Filled(TEMPLATE, **GIVEN, **parameters).resource("TaskGroup")
        rules = group["SecurityGroupIngress"]
        assert {(each["FromPort"], each["ToPort"]) for each in rules} == {(8787, 8787)}
        return [each["SourceSecurityGroupId"] for each in rules]

    [balancer] = sources()
    assert sources(ScraperGroup="sg-prometheus") == [balancer, "sg-prometheus"]


def test_no_secret_is_written_into_the_task() -> None:
    filled = Filled(TEMPLATE, **GIVEN, **OPTIONAL)
    [secret] = container(filled)["Secrets"]
    assert secret == {"Name": "RUNSTREAMS_METRICS_KEY", "ValueFrom": "the-metrics"}
    assert "MetricsKey" in statements(filled.resource("StartRole"))
    assert "Secrets" not in container(Filled(TEMPLATE, **GIVEN))


def test_the_sums_are_of_the_tasks_that_are_declared(filled: Filled) -> None:
    task, scaling = filled.resource("Task"), filled.resource("Scaling")
    assert (task["Cpu"] / 1024, task["Memory"] / 1024) == (tier.TASK_CPUS, tier.TASK_GB)
    assert scaling["MinCapacity"] == tier.LEAST_TASKS
    policy = filled.resource("ScalingByCpu")["TargetTrackingScalingPolicyConfiguration"]
    assert policy["TargetValue"] / 100 == tier.TASK_BUSY
    assert task["RuntimePlatform"]["CpuArchitecture"] == "ARM64"


def test_every_parameter_is_used_and_shown() -> None:
    groups = TEMPLATE["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    assert sorted(name for each in groups for name in each["Parameters"]) == sorted(
        TEMPLATE["Parameters"]
    )
    page = (ROOT / "docs" / "readers.md").read_text()
    assert [name for name in TEMPLATE["Parameters"] if f"`{name}`" not in page] == []
