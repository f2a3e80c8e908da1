"""What `sam local` would find, as far as that can be seen without Docker."""

import json
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests import tools
from tests.functions.template import routes, template
from tests.tools import ROOT

LIST_ROUTES = """
from samcli.lib.providers.api_provider import ApiProvider
from samcli.lib.providers.sam_stack_provider import SamLocalStackProvider
stacks, _ = SamLocalStackProvider.get_stacks("template.yaml")
for route in ApiProvider(stacks).routes:
    print(route.path, route.function_name)
"""
"""What `sam local start-api` serves, in SAM's own words."""


@pytest.mark.needs("sam")
def test_start_api_finds_every_route_of_the_template() -> None:
    sam = tools.find("sam")
    assert sam is not None
    done = subprocess.run(
        [sam.parent / "python", "-c", LIST_ROUTES],
        cwd=ROOT,
        env={"SAM_CLI_TELEMETRY": "0", "AWS_DEFAULT_REGION": "us-east-1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    wanted = {
        f"{key.partition(' ')[2] or key} {Path(folder).name.capitalize()}Function"
        for key, folder in routes().items()
    }
    # SAM heeds no conditions, so what the REST API takes is there, too, and what it mocks.
    paths = ("/", "/{proxy+}", "/api/{proxy+}", "/realtime/{proxy+}", "/v1/{proxy+}")
    wanted |= {f"{path} StreamFunction" for path in paths}
    wanted |= {f"{path} None" for path in paths[2:]}
    assert set(done.stdout.splitlines()) == wanted


def test_the_environment_file_names_only_variables_that_the_template_declares() -> None:
    """SAM drops the others without a word."""
    given = json.loads((ROOT / "functions" / "local-env.json").read_text())["Parameters"]
    assert given
    assert set(given) <= set(template()["Globals"]["Function"]["Environment"]["Variables"])


@pytest.mark.parametrize("environment", ["default", "dev", "prod"])
def test_each_environment_uses_that_file(environment: str) -> None:
    commands = tomllib.loads((ROOT / "samconfig.toml").read_text())[environment]
    for name in ("local_invoke", "local_start_api"):
        assert Path(commands[name]["parameters"]["env_vars"]) == Path("functions/local-env.json")


def test_an_empty_endpoint_and_an_empty_key_count_as_not_set() -> None:
    """Both are declared for the file's sake, and AWS gets them empty."""
    given = template()["Globals"]["Function"]["Environment"]["Variables"]
    assert (given["AWS_ENDPOINT_URL"], given["RUNSTREAMS_SECRET_KEY"]) == ("", "")
