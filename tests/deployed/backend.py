"""`make sam-backend`: an S3 and a DynamoDB for the containers of `sam local`, until Ctrl-C.

HOST is the address to listen on. Containers reach the host's loopback as `host.docker.internal`
with Docker Desktop; on Linux give the bridge's address, usually 172.17.0.1, and put it into
functions/local-env.json, or into a copy of it that is named as the argument.
"""

import json
import os
import signal
import sys
from pathlib import Path
from urllib.parse import urlsplit

from runstreams.stores.aws import connect
from tests.deployed.stack import missing
from tests.emulators.ministack import ministack_process
from tests.emulators.place import session
from tests.emulators.resources import create_resources
from tests.tools import ROOT

ENVIRONMENT = ROOT / "functions" / "local-env.json"


def main(environment: Path) -> int:
    """Start what the file *environment* names, make the bucket and the table, tell where, and
    wait.
    """
    if what := missing():
        print(f"{what} is not installed: `make tools`", file=sys.stderr)
        return 1
    given = json.loads(environment.read_text())["Parameters"]
    port = urlsplit(given["AWS_ENDPOINT_URL"]).port
    assert port is not None
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with ministack_process(port, BIND_HOST=os.environ.get("HOST") or "127.0.0.1"):
            endpoint = f"http://127.0.0.1:{port}"
            clients = connect(session(), endpoint=endpoint)
            create_resources(*clients, given["RUNSTREAMS_BUCKET"], given["RUNSTREAMS_TABLE"])
            print(
                f"S3 and DynamoDB are at {endpoint}, for {given['AWS_ENDPOINT_URL']} in containers"
            )
            print("Now: sam build && sam local start-api. Ctrl-C stops it.", flush=True)
            signal.pause()
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if sys.argv[1:] else ENVIRONMENT))
