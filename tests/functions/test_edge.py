"""The check at CloudFront's edge, which lets in whom the API would let in; and what stands around
it in the template.
"""

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.caches import vectors
from tests.functions.edge_function import REQUEST_ID, Edge, code, edge
from tests.functions.filling import Filled
from tests.functions.template import raw
from tests.signing import issue_token
from tests.tools import ROOT

KEPT_ERRORS = (404, 414, 500, 501, 502, 503, 504)
"""Which errors CloudFront's guide says that it keeps, whatever they say themselves."""

NAME_LENGTH = 64
"""Of a function and of a store of keys, at most."""

PAGE = vectors.PATH
CURRENT, PREVIOUS = vectors.KEYS
KEYS = {"current": CURRENT, "previous": PREVIOUS}


def status(found: Any) -> int:
    return int(found.get("statusCode", 200))


@pytest.fixture(scope="module")
def at_the_edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    with edge(tmp_path_factory.mktemp("edge")) as found:
        yield found


@pytest.mark.needs("node")
def test_the_edge_lets_in_whom_the_api_lets_in(at_the_edge: Edge) -> None:
    for shown in vectors.authorizations():
        found = at_the_edge.ask(PAGE, shown, KEYS)
        assert status(found) == vectors.status_for(shown), shown
        if status(found) == 200:
            assert found["headers"] == {}, "the token would reach the cache"


@pytest.mark.needs("node")
def test_a_token_of_the_key_before_is_good_until_that_is_taken_away(at_the_edge: Edge) -> None:
    shown = f"Bearer {issue_token(PREVIOUS, ['admin'], vectors.NOW)}"
    assert status(at_the_edge.ask(PAGE, shown, KEYS)) == 200
    assert status(at_the_edge.ask(PAGE, shown, {"current": CURRENT})) == 401


@pytest.mark.needs("node")
@pytest.mark.parametrize(
    ("run", "key", "path"),
    [
        ("a:b", "c:d", "a:b/c:d"),
        ("ü", "ключ", "%C3%BC/%D0%BA%D0%BB%D1%8E%D1%87"),
        ("a b", "c", "a%20b/c"),
    ],
)
def test_names_are_those_that_the_token_names(
    at_the_edge: Edge, run: str, key: str, path: str
) -> None:
    for scope, wanted in ((f"read:streams:{run}/{key}", 200), (f"read:streams:{run}/x", 403)):
        shown = f"Bearer {issue_token(CURRENT, [scope], vectors.NOW)}"
        found = at_the_edge.ask(f"/realtime/v1/pages/{path}", shown, KEYS)
        assert status(found) == wanted


@pytest.mark.needs("node")
@pytest.mark.parametrize(
    "path",
    [
        "/realtime/v1/pages/run_1",
        "/realtime/v1/pages/run_1/words/more",
        "/realtime/v1/pages//words",
        "/realtime/v1/pages/../streams/run_1/words",
        "/realtime/v1/pages/%2e%2e/words",
        "/realtime/v1/pages/run_1/a%2Fb",
        "/realtime/v1/pages/run_1/%zz",
        # The gateway would make another name of these.
        "/realtime/v1/pages/run_1/a%3Fb",
        "/realtime/v1/pages/run_1/a%2541",
    ],
)
def test_what_is_no_pages_address_gets_nowhere(at_the_edge: Edge, path: str) -> None:
    assert status(at_the_edge.ask(path, f"Bearer {CURRENT}", KEYS)) == 400


@pytest.mark.needs("node")
def test_an_address_has_its_fields_in_one_order_and_no_others(at_the_edge: Edge) -> None:
    def asked(**query: Any) -> Any:
        return at_the_edge.ask(PAGE, f"Bearer {CURRENT}", KEYS, query)

    found = asked(cursor="3", start="1", generation="g")
    assert list(found["querystring"]) == ["generation", "start", "cursor"]
    for wrong in ({"token": "x"}, {"start": ["1", "2"]}, {"start": "-1"}, {"generation": "&x=1"}):
        assert status(asked(**wrong)) == 400


@pytest.mark.needs("node")
def test_a_refusal_can_be_read_by_browsers_and_is_kept_by_nobody(at_the_edge: Edge) -> None:
    found = at_the_edge.ask(PAGE, None, KEYS)
    headers = {name: each["value"] for name, each in found["headers"].items()}
    assert headers["access-control-allow-origin"] == "*"
    assert headers["cache-control"] == "no-store"
    error = json.loads(found["body"]["data"])["error"]
    assert (error["code"], error["request_id"]) == ("unauthenticated", REQUEST_ID)


@pytest.mark.needs("node")
def test_a_preflight_is_answered_without_a_token(at_the_edge: Edge) -> None:
    found = at_the_edge.ask(PAGE, None, KEYS, method="OPTIONS")
    assert found["statusCode"] == 204
    assert found["headers"]["access-control-allow-headers"]["value"] == "authorization"


@pytest.mark.needs("node")
def test_without_a_key_readers_are_told_to_come_back(at_the_edge: Edge) -> None:
    """401 would end a published client for good."""
    for keys in ({}, {"previous": PREVIOUS}):
        found = at_the_edge.ask(PAGE, f"Bearer {CURRENT}", keys)
        assert (found["statusCode"], found["headers"]["retry-after"]["value"]) == (503, "5")
    assert status(at_the_edge.ask(PAGE, f"Bearer {CURRENT}", {"current": f"{CURRENT}\n"})) == 200


def test_the_function_is_as_small_as_cloudfront_takes() -> None:
    assert len(code().encode()) < 10 * 1024


NODES = """
import { parse } from "acorn";
const found = new Set();
const walk = (node) => {
  if (!node || typeof node !== "object") return;
  if (Array.isArray(node)) return node.forEach(walk);
  if (node.type) found.add(node.type + (node.async && node.type[0] === "A" ? " async" : ""));
  if (node.type === "Property" && node.shorthand) found.add("shorthand");
  Object.values(node).forEach(walk);
};
const text = await new Response(process.stdin).text();
walk(parse(text, { ecmaVersion: 2017, sourceType: "module" }));
console.log(JSON.stringify([...found]));
"""
UNKNOWN = {
    "ArrayPattern",
    "ArrowFunctionExpression async",
    "AssignmentPattern",
    "ClassDeclaration",
    "ForOfStatement",
    "ObjectPattern",
    "SpreadElement",
    "shorthand",
}
"""What ECMAScript has and AWS's list of runtime 2.0's features has not."""


@pytest.mark.needs("node")
def test_the_function_uses_what_cloudfronts_javascript_has() -> None:
    command = ["node", "--input-type=module", "--eval", NODES]
    here = ROOT / "tests" / "clients"
    done = subprocess.run(command, input=code(), capture_output=True, text=True, cwd=here)
    assert done.returncode == 0, done.stderr
    assert not UNKNOWN & set(json.loads(done.stdout))


# Around it


def distribution(**more: Any) -> Any:
    return Filled(raw(), EdgeCache="on", **more).resource("Edge")["DistributionConfig"]


def test_by_default_there_is_no_distribution() -> None:
    kinds = {each["Type"] for each in Filled(raw()).there().values()}
    assert not [kind for kind in kinds if "CloudFront" in kind]
    assert "EdgeSecret" not in Filled(raw()).there()
    told = Filled(raw()).resource("ReadFunction")["Environment"]["Variables"]
    assert told["RUNSTREAMS_ORIGIN_SECRET"] == ""


def test_only_requests_that_were_checked_come_with_the_secret() -> None:
    config = distribution()
    sent = {
        each["Id"]: [header["HeaderName"] for header in each["OriginCustomHeaders"]]
        for each in config["Origins"]
    }
    [pages] = config["CacheBehaviors"]
    assert sent == {"pages": ["X-Stream-Origin-Secret"], "rest": ["X-Stream-Shared"]}
    assert (pages["TargetOriginId"], config["DefaultCacheBehavior"]["TargetOriginId"]) == (
        "pages",
        "rest",
    )
    [check] = pages["FunctionAssociations"]
    assert check["EventType"] == "viewer-request"
    assert pages["PathPattern"] == "/realtime/v1/pages/*"


def test_the_api_and_the_edge_have_the_same_secret() -> None:
    [pages, _] = distribution()["Origins"]
    filled = Filled(raw(), EdgeCache="on")
    told = filled.resource("ReadFunction")["Environment"]["Variables"]
    assert told["RUNSTREAMS_ORIGIN_SECRET"] == pages["OriginCustomHeaders"][0]["HeaderValue"]


def test_the_caches_key_is_the_address_and_nothing_else() -> None:
    policy = Filled(raw(), EdgeCache="on").resource("EdgePages")["CachePolicyConfig"]
    key = policy["ParametersInCacheKeyAndForwardedToOrigin"]
    assert key["QueryStringsConfig"]["QueryStrings"] == ["generation", "start", "cursor"]
    assert key["HeadersConfig"] == {"HeaderBehavior": "none"}
    assert key["CookiesConfig"] == {"CookieBehavior": "none"}
    assert (policy["MinTTL"], policy["DefaultTTL"], policy["MaxTTL"]) == (0, 0, 60)


def test_a_page_is_handed_on_as_its_readers_alone() -> None:
    [pages] = distribution()["CacheBehaviors"]
    assert pages["ResponseHeadersPolicyId"] == {"Ref": "EdgePrivate"}
    policy = Filled(raw(), EdgeCache="on").resource("EdgePrivate")["ResponseHeadersPolicyConfig"]
    [header] = policy["CustomHeadersConfig"]["Items"]
    assert (header["Header"], header["Override"]) == ("Cache-Control", True)
    assert header["Value"].startswith("private")


def test_pages_are_for_all_origins_and_errors_for_nobody_else() -> None:
    """The gateway says which origins may read only to whoever names one."""
    policy = Filled(raw(), EdgeCache="on").resource("EdgePrivate")["ResponseHeadersPolicyConfig"]
    cors = policy["CorsConfig"]
    assert (cors["AccessControlAllowOrigins"]["Items"], cors["OriginOverride"]) == (["*"], True)
    kept = {
        rule["ErrorCode"]: rule["ErrorCachingMinTTL"]
        for rule in distribution()["CustomErrorResponses"]
    }
    assert kept == dict.fromkeys(KEPT_ERRORS, 0)


def test_the_longest_name_of_a_stack_is_told() -> None:
    filled = Filled(raw(), EdgeCache="on")
    names = [filled.resource(name)["Name"]["Fn::Sub"] for name in ("EdgeKeys", "EdgeCheck")]
    longest = max(len(name.partition("-")[2]) + 1 for name in names)
    told = (ROOT / "docs" / "deployment.md").read_text()
    assert f"The stack's name then has {NAME_LENGTH - longest} characters at most" in told


def test_everything_else_goes_past_the_cache_with_all_that_it_says() -> None:
    rest = distribution()["DefaultCacheBehavior"]
    assert len(rest["AllowedMethods"]) == 7
    # AWS's CachingDisabled and AllViewerExceptHostHeader.
    assert rest["CachePolicyId"] == "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
    assert rest["OriginRequestPolicyId"] == "b689b0a8-53d0-40ab-baf2-68738e2966ac"


def test_the_distribution_may_have_a_name_of_its_own() -> None:
    assert "Aliases" not in distribution()
    named = {"EdgeDomainName": "c.example", "EdgeCertificateArn": "arn"}
    assert distribution(**named)["Aliases"] == ["c.example"]
    filled = Filled(raw(), EdgeCache="on", **named)
    assert filled.outputs()["EdgeUrl"]["Value"] == {"Fn::Sub": "https://c.example"}
