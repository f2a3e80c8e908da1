"""The dashboard's page and its files, as they lie in the package. They hold no secret, so nobody is
asked for a key; what the page shows, it asks the API for.
"""

import hashlib

from starlette.routing import Route, Router

from ...core.errors import NotThere
from ..call import Call, Endpoint
from ..errors import Headers
from ..trigger import NOT_FOUND

router = Router()

PAGE = "index.html"

KINDS = {
    PAGE: "text/html; charset=utf-8",
    "dashboard.css": "text/css; charset=utf-8",
    "dashboard.js": "text/javascript; charset=utf-8",
    "reader.js": "text/javascript; charset=utf-8",
    "answers.js": "text/javascript; charset=utf-8",
    "markdown.js": "text/javascript; charset=utf-8",
    "octets.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
    "icon-live.svg": "image/svg+xml",
    "icon-failed.svg": "image/svg+xml",
    "LICENSES.txt": "text/plain; charset=utf-8",
}
"""The files that are served, and what they are."""

_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        # No text becomes markup but through the sanitizer, whatever else the page may do wrong.
        "require-trusted-types-for 'script'",
        "trusted-types dompurify",
    ]
)
"""What the page may do: run and ask what comes from where it comes from, and nothing else."""

_GUARDS: Headers = [
    (b"content-security-policy", _POLICY.encode()),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    # A new version must not meet an old one's files, so a browser asks each time; mostly for 304.
    (b"cache-control", b"no-cache"),
]


async def page(call: Call) -> None:
    """Send the page."""
    await _send(call, PAGE)


async def file(call: Call) -> None:
    """Send a file of the page. Raises `NotThere`."""
    name = call.part("file")
    if name == PAGE or name not in KINDS:
        raise NotThere(NOT_FOUND)
    await _send(call, name)


async def beside(call: Call) -> None:
    """Lead to the page, whose links mean other places from here."""
    # Relative, since a gateway may serve all of this below a stage's name.
    await call.answer(308, headers=[(b"location", b"../dashboard"), *_GUARDS])


async def _send(call: Call, name: str) -> None:
    content = _content(name)
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'.encode()
    told = [*_GUARDS, (b"etag", tag)]
    if tag in call.headers.get(b"if-none-match", b""):
        await call.start(304, told)
        await call.send({"type": "http.response.body"})
        return
    length = (b"content-length", b"%d" % len(content))
    await call.start(200, [*told, length, (b"content-type", KINDS[name].encode())])
    body = b"" if call.scope["method"] == "HEAD" else content
    await call.send({"type": "http.response.body", "body": body})


def _content(name: str) -> bytes:
    """Return a file of the package: read anew, as a browser that has it already is the rule."""
    from importlib import resources  # not at a function's start, where nobody may ask for the page

    return (resources.files("runstreams") / "dashboard" / name).read_bytes()


router.routes.extend(
    [
        Route("/dashboard", Endpoint({"GET": page, "HEAD": page}), name="dashboard"),
        Route("/dashboard/", Endpoint({"GET": beside}), name="dashboard_beside"),
        Route("/dashboard/{file}", Endpoint({"GET": file, "HEAD": file}), name="dashboard_file"),
    ]
)
