"""The template as SAM's translator hands it to CloudFormation, and what CloudFormation makes of it
with given parameters.
"""

import json
import re
import subprocess
from typing import Any

from tests import tools
from tests.functions.template import TEMPLATE

TRANSLATE = """
import json, sys
import boto3
from samcli.yamlhelper import yaml_parse
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

template = yaml_parse(sys.stdin.read())
places = json.loads(sys.argv[1])
for name, resource in template["Resources"].items():
    resource.pop("Metadata", None)
    for key in {"CodeUri", "ContentUri"} & set(resource["Properties"]):
        resource["Properties"][key] = "s3://packages/" + places.get(name, name)
translator = Translator({}, Parser(), boto_session=boto3.Session(region_name="us-east-1"))
with open(sys.argv[2], "w") as output:
    json.dump(translator.translate(template, {}), output)
"""
"""What `sam deploy` and CloudFormation do: packages are uploaded, then macros are applied."""

Template = dict[str, Any]


def translated(**places: str) -> Template:
    """Return the translated template; *places* says which packages are new, by resource."""
    sam = tools.find("sam")
    assert sam is not None
    command = [sam.parent / "python", "-c", TRANSLATE, json.dumps(places), "/dev/stderr"]
    done = subprocess.run(
        command, input=TEMPLATE.read_text(), capture_output=True, text=True, check=True
    )
    found: Template = json.loads(done.stderr)
    return found


class Filled:
    """A template with its parameters filled in, as CloudFormation does it."""

    def __init__(self, template: Template, **parameters: Any) -> None:
        """Take the defaults for everything that *parameters* leaves out."""
        self._template = template
        self._known = {
            **{name: each["Default"] for name, each in template["Parameters"].items()},
            **parameters,
        }

    def resource(self, name: str) -> Any:
        """Return the properties of a resource."""
        return self._of(self._template["Resources"][name]["Properties"])

    def made(self, kind: str) -> list[str]:
        """Return the names of the resources of a *kind* whose condition holds, of all that have
        one.
        """
        found = self._template["Resources"].items()
        return [
            name for name, each in found if each["Type"] == kind and self._holds(each["Condition"])
        ]

    def of_type(self, kind: str) -> dict[str, Any]:
        """Return the properties of all resources of a *kind*, by name."""
        found = self._template["Resources"].items()
        return {name: self.resource(name) for name, each in found if each["Type"] == kind}

    def _of(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._of(part) for part in value]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            [(word, said)] = value.items()
            if word == "Ref":
                return self._known.get(said, value)
            if word == "Fn::If":
                condition, then, otherwise = said
                return self._of(then if self._holds(condition) else otherwise)
            if word == "Fn::FindInMap":
                name, *keys = self._of(said)
                return self._template["Mappings"][name][str(keys[0])][keys[1]]
            if word == "Fn::Sub":
                return {word: self._substituted(said)}
        return {key: self._of(part) for key, part in value.items()}

    def _substituted(self, said: Any) -> Any:
        if isinstance(said, list):
            text, parts = said
            return [self._substituted(text), self._of(parts)]
        return re.sub(r"\$\{(\w+)\}", self._substitute, said)

    def _substitute(self, found: re.Match[str]) -> str:
        return str(self._known.get(found[1], found[0]))

    def _holds(self, condition: str) -> bool:
        return self._true(self._template["Conditions"][condition])

    def _true(self, said: Any) -> bool:
        [(word, parts)] = said.items()
        if word == "Condition":
            return self._holds(parts)
        if word == "Fn::Equals":
            one, other = self._of(parts)
            return str(one) == str(other)
        if word == "Fn::Not":
            return not self._true(parts[0])
        assert word in ("Fn::Or", "Fn::And"), word
        found = [self._true(part) for part in parts]
        return any(found) if word == "Fn::Or" else all(found)
