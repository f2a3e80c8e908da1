"""`make deployed`: the template, deployed on this machine, until Ctrl-C."""

import os
import signal
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.deployed.stack import deployed, missing

PORT = int(os.environ.get("PORT") or 4566)

READY = """
runstreams is deployed, with MiniStack in the place of AWS, and nothing of it is kept.

  API         {url}
  dashboard   {url}/dashboard
  secret key  {secret}
  AWS         {endpoint}

  curl -H "Authorization: Bearer {secret}" '{url}/realtime/v1/streams/run_1/self/words/append' -d hi
  curl -H "Authorization: Bearer {secret}" '{url}/realtime/v1/streams/run_1/words'

Ctrl-C stops it.
"""


def main() -> int:
    """Deploy, tell where, and wait."""
    if what := missing():
        print(f"{what} is not installed: `make tools`", file=sys.stderr)
        return 1
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with TemporaryDirectory() as folder, deployed(Path(folder), PORT) as stack:
            print(
                READY.format(url=stack.url, secret=stack.secret, endpoint=stack.endpoint),
                flush=True,
            )
            signal.pause()
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
