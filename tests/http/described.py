"""What the OpenAPI document says of a request, and what is wrong with an answer by it.

The document lets answers have more than it names, for clients that are older than the server. Here
nothing may be there that it does not name.
"""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from runstreams.http.openapi import document

DOCUMENT: dict[str, Any] = json.loads(json.dumps(document()))

NO_TARGET = "(?!(self|parent|root)/)"

EVERYWHERE = {
    "access-control-allow-origin",
    "access-control-expose-headers",
    "vary",
    "content-length",
    "content-type",
}
"""Headers that the document's introduction names, and what is said of a body elsewhere."""


def operation_of(method: str, path: str) -> dict[str, Any] | None:
    """Return what the document says of a request to *path*, as it is sent; None: no such route."""
    for pattern, found in _patterns():
        if pattern.fullmatch(path):
            return found.get(method.lower())
    return None


def wrong(
    method: str, path: str, status: int, headers: Mapping[str, str], body: bytes
) -> Iterator[str]:
    """Yield what is wrong with an answer; *headers* in lower case."""
    operation = operation_of(method, path)
    if operation is None:
        return
    said = operation["responses"].get(str(status))
    if said is None:
        yield f"no {method} {path} is answered {status}"
        return
    named = {name.lower() for name in said.get("headers", {})}
    if unnamed := headers.keys() - named - EVERYWHERE:
        yield f"{method} {path} {status} has no headers {sorted(unnamed)}"
    for name, header in said.get("headers", {}).items():
        if name.lower() in headers:
            yield from _header(name, headers[name.lower()], _there(header)["schema"])
    yield from _content(method, f"{path} {status}", said.get("content", {}), headers, body)


def _header(name: str, text: str, schema: dict[str, Any]) -> Iterator[str]:
    value = int(text) if schema.get("type") == "integer" else text
    for error in Draft202012Validator(schema).iter_errors(value):
        yield f"{name}: {error.message}"


def _content(
    method: str, what: str, content: dict[str, Any], headers: Mapping[str, str], body: bytes
) -> Iterator[str]:
    if not body or method == "HEAD":  # which a server sends no body for, whatever it is given
        return
    kind = headers["content-type"].partition(";")[0]
    if kind not in content:
        if "*/*" not in content:
            yield f"{what} has no {kind}"
    elif kind == "application/json":
        validator = _validator(json.dumps(content[kind]["schema"]))
        for error in validator.iter_errors(json.loads(body)):
            yield f"{what}: {error.json_path}: {error.message}"


@cache
def _validator(schema: str) -> Draft202012Validator:
    whole = {**json.loads(schema), "components": DOCUMENT["components"]}
    return Draft202012Validator(_closed(whole))


def _closed(schema: Any) -> Any:
    """Return *schema* with objects that have what it names and nothing else."""
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: _closed(each) for name, each in schema.items()}
    return closed | ({"additionalProperties": False} if "required" in schema else {})


@cache
def _patterns() -> list[tuple[re.Pattern[str], dict[str, Any]]]:
    """Return the paths as patterns; a fixed word outranks a variable."""
    paths = sorted(DOCUMENT["paths"], key=lambda path: path.count("{"))
    return [(_pattern(path), DOCUMENT["paths"][path]) for path in paths]


def _pattern(path: str) -> re.Pattern[str]:
    # A key that is called like a target is named by the other path.
    by_name = "/{run}/{key}/" in path
    kinds = {"target": "(self|parent|root)", "name": ".+"}
    kinds |= {"key": f"{NO_TARGET}[^/]+"} if by_name else {}
    parts = re.split(r"\{(\w+)\}", path)
    parts[::2] = map(re.escape, parts[::2])
    parts[1::2] = [kinds.get(name, "[^/]+") for name in parts[1::2]]
    return re.compile("".join(parts))


def _there(part: dict[str, Any]) -> dict[str, Any]:
    """Return *part*, or what it refers to."""
    found: Any = DOCUMENT
    if "$ref" not in part:
        return part
    for name in part["$ref"].split("/")[1:]:
        found = found[name]
    return dict(found)
