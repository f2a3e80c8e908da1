"""What the scenarios ask of a client, and a client that is nothing but HTTP."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

import httpx

PATIENCE_SECONDS = 60


class HttpClient:
    """Plain requests, one connection each, so that threads share nothing."""

    def __init__(self, url: str, credential: str, **headers: str) -> None:
        self.url = url
        self._headers = {"Authorization": f"Bearer {credential}", **headers}

    def ask(self, method: str, path: str, content: Any = None, **headers: str) -> httpx.Response:
        """Send one request; underscores in the names of *headers* are hyphens."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return httpx.request(
            method,
            self.url + path,
            content=content,
            headers={**self._headers, **named},
            timeout=PATIENCE_SECONDS,
        )

    def append(self, run: str, key: str, value: str, part: str | None = None) -> int:
        """Append one text and return its index; a *part* sent again lands once."""
        headers = {"X_Part_Id": part} if part else {}
        return int(
            _json(self.ask("POST", f"{_written(run, key)}/append", value, **headers))["index"]
        )

    def write(
        self, run: str, key: str, values: Iterable[Any], client: str, number: int = 0
    ) -> httpx.Response:
        """Append *values*, of which the first is the *client*'s chunk *number*."""
        return self.ask(
            "POST",
            _written(run, key),
            "".join(json.dumps(value) + "\n" for value in values),
            X_Client_Id=client,
            X_Resume_From_Chunk=str(number),
        )

    def last_number(self, run: str, key: str, client: str) -> int:
        """Return the *client*'s own number of its last chunk that is stored, or -1."""
        answer = self.ask("HEAD", _written(run, key), X_Client_Id=client)
        answer.raise_for_status()
        return int(answer.headers["x-last-chunk-index"])

    def page(self, run: str, key: str, start: int, wait: float = 0, limit: int = 1000) -> Any:
        """Return one page, waiting for its first chunk."""
        query = f"start={start}&wait={wait:g}&limit={limit}"
        return _json(self.ask("GET", f"{_read(run, key)}?{query}"))

    def follow(self, run: str, key: str, start: int = 0, limit: int = 1000) -> Iterator[Any]:
        """Yield the chunks from *start* on, until the stream is closed and at its end."""
        while True:
            page = self.page(run, key, start, wait=20, limit=limit)
            yield from (chunk["data"] for chunk in page["chunks"])
            start = page["next_index"]
            if page["closed"]:
                return

    def everything(self, run: str, key: str) -> list[Any]:
        """Return all chunks that there are now."""
        found: list[Any] = []
        while chunks := self.page(run, key, len(found))["chunks"]:
            found += [chunk["data"] for chunk in chunks]
        return found

    def close(self, run: str, key: str, status: str = "completed") -> Any:
        """Close a stream."""
        return _json(self.ask("POST", f"{_read(run, key)}/close", json.dumps({"status": status})))


def _written(run: str, key: str) -> str:
    return f"/realtime/v1/streams/{run}/self/{key}"


def _read(run: str, key: str) -> str:
    return f"/realtime/v1/streams/{run}/{key}"


def _json(answer: httpx.Response) -> Any:
    answer.raise_for_status()
    return answer.json()
