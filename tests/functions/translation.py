"""The template as SAM's translator hands it to CloudFormation."""

import json
import subprocess

from tests import tools
from tests.functions.filling import Template
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
