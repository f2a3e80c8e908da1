"""Run the Python blocks of a document, one after another, in one namespace and one event loop.

A block may await. It is run as a process: `python run_blocks.py DOCUMENT`.
"""

import ast
import asyncio
import inspect
import sys
from pathlib import Path
from typing import Any

from tests.docs.blocks import blocks


def main(path: Path) -> None:
    namespace: dict[str, Any] = {"__name__": "document"}
    with asyncio.Runner() as runner:
        for line, body in blocks(path, "python"):
            # With the document's own lines, so that a traceback says where.
            code = compile(
                "\n" * line + body, str(path), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
            )
            result = eval(code, namespace)
            if inspect.iscoroutine(result):
                runner.run(result)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
