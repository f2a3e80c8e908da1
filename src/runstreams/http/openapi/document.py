"""The document as a whole."""

import re
from typing import Any

from ..._version import __version__
from . import durable
from .operations import OPERATIONS, Answer, Operation
from .parts import HEADERS, PARAMETERS
from .refusals import error_schemas, ref_header, refusals
from .schemas import schemas

_ABOUT = """\
Durable, resumable streams: docs/protocol.md says what each route means. Answers carry
`Access-Control-Allow-Origin`, `Access-Control-Expose-Headers` and `Vary: Origin` for browsers.
`OPTIONS` on any path is answered 200, an unknown path 404 `not_found`, and another method 405
`method_not_allowed`.

The name in `/v1/stream/{name}` may have slashes in it, which OpenAPI cannot say: they are sent as
they are (docs/durable-streams.md). `/metrics` (docs/metrics.md) also takes a key that opens nothing
else."""

KEY = "A secret key, or a public token that has one of the scopes that an operation names."


def document() -> dict[str, Any]:
    """Return the document; its server is wherever it was asked for."""
    paths: dict[str, Any] = {}
    for operation in (*OPERATIONS, *durable.OPERATIONS):
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "runstreams",
            "version": __version__,
            "description": _ABOUT,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "."}],
        "paths": paths,
        "components": {
            "schemas": schemas() | error_schemas(durable.KINDS),
            "parameters": PARAMETERS | durable.PARAMETERS,
            "headers": HEADERS | durable.HEADERS,
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": KEY}},
        },
    }


def _operation(operation: Operation) -> dict[str, Any]:
    named = (*re.findall(r"\{(\w+)\}", operation.path), *operation.takes)
    said: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.about,
        "tags": [operation.tag],
        "parameters": [{"$ref": f"#/components/parameters/{name}"} for name in named],
        "responses": _responses(operation),
        "security": [] if operation.needs is None else [{"key": []}],
    }
    if operation.needs is not None:
        said["description"] = f"Needs {operation.needs or 'the secret key'}."
    if operation.body:
        said["requestBody"] = {
            "required": operation.needs_body,
            "content": _content(operation.body),
        }
    return said


def _responses(operation: Operation) -> dict[str, Any]:
    answers = {str(status): _answer(answer) for status, answer in operation.answers.items()}
    is_head = operation.method == "HEAD"
    return answers | refusals(operation.kinds, operation.refused_headers, bodiless=is_head)


def _answer(answer: Answer) -> dict[str, Any]:
    names = ("X-Request-Id", *answer.headers)
    said: dict[str, Any] = {
        "description": answer.about,
        "headers": {name: ref_header(name) for name in names},
    }
    return said | ({"content": _content(answer.content)} if answer.content else {})


def _content(schemas: dict[str, Any]) -> dict[str, Any]:
    return {kind: {"schema": schema} for kind, schema in schemas.items()}
