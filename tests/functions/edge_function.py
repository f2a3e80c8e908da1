"""The function of CloudFront, as the template has it, in node."""

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.caches import vectors
from tests.functions.filling import Filled
from tests.functions.template import raw

HERE = Path(__file__).parent
REQUEST_ID = "the-id-of-this-request"


def code() -> str:
    """Return what CloudFront gets."""
    found: str = Filled(raw(), EdgeCache="on").resource("EdgeCheck")["FunctionCode"]
    return found


class Edge:
    """Hands it requests."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def ask(
        self,
        path: str,
        authorization: str | None,
        keys: Mapping[str, str],
        query: Mapping[str, Any] | None = None,
        method: str = "GET",
    ) -> Any:
        """Return what becomes of a request, where the store of keys has *keys*: the request, or an
        answer.
        """
        headers = {} if authorization is None else {"authorization": {"value": authorization}}
        request = {
            "method": method,
            "uri": path,
            "querystring": {name: _value(each) for name, each in (query or {}).items()},
            "headers": headers,
            "cookies": {},
        }
        event = {"context": {"requestId": REQUEST_ID}, "request": request}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        asked = {"keys": keys, "now": vectors.NOW, "event": event}
        print(json.dumps(asked), file=self._process.stdin, flush=True)
        return json.loads(self._process.stdout.readline())


def _value(sent: Any) -> Any:
    """Return a field as CloudFront hands it over; a list was sent several times."""
    if isinstance(sent, list):
        return {"value": sent[0], "multiValue": [{"value": each} for each in sent]}
    return {"value": sent}


@contextmanager
def edge(folder: Path) -> Iterator[Edge]:
    """Run it, from *folder*, while the body runs."""
    module = folder / "node_modules" / "cloudfront"
    module.mkdir(parents=True)
    shutil.copy(HERE / "cloudfront_shim.mjs", module / "index.mjs")
    (module / "package.json").write_text('{"name": "cloudfront", "exports": "./index.mjs"}')
    shutil.copy(HERE / "edge_driver.mjs", folder / "driver.mjs")
    (folder / "function.mjs").write_text(code() + "\nexport { handler };\n")
    process = subprocess.Popen(
        ["node", folder / "driver.mjs"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield Edge(process)
    finally:
        process.kill()
        process.communicate()
