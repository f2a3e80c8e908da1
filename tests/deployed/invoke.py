"""`make invoke EVENT=events/x.json`: the built function that the event's route leads to, under
Lambda's runtime client, on a stand-in for S3 and DynamoDB.
"""

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.deployed.built import built_function, link_runtime
from tests.deployed.stack import missing
from tests.emulators.ministack import ministack
from tests.emulators.place import fresh_place
from tests.functions.handlers import ENVIRONMENT
from tests.functions.sam import build
from tests.functions.template import route_of, routes


def main(path: str) -> int:
    """Build, send the event, and print the answer; the function's log goes to standard error."""
    if what := missing():
        print(f"{what} is not installed: `make tools`", file=sys.stderr)
        return 1
    event = json.loads(Path(path).read_text())
    http = event["requestContext"]["http"]
    name = Path(routes()[route_of(http["method"], http["path"])]).name
    with TemporaryDirectory() as place, ministack() as endpoint:
        folders = [Path(place) / each for each in ("built", "runtime")]
        for folder in folders:
            folder.mkdir()
        built, runtime, log = build(folders[0]), link_runtime(folders[1]), Path(place) / "log"
        key = {"RUNSTREAMS_SECRET_KEY": ENVIRONMENT["RUNSTREAMS_SECRET_KEY"]}
        settings = {**fresh_place(endpoint).environment(), **key}
        with built_function(name, built, runtime, settings, log) as api:
            answer = api.invoke(event)
        sys.stderr.write(log.read_text())
    print(json.dumps(answer, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
