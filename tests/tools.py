"""Where the tools are that a part of the tests needs beside Python packages."""

import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

NAMES = {
    "chromium": ("chromium", "chromium-browser", "google-chrome"),
    "nginx": ("nginx", "/usr/sbin/nginx"),
    "varnishd": ("varnishd", "/usr/sbin/varnishd"),
}
"""Commands that a tool goes by, where they differ from its name."""

FILES = {"njs": Path("/usr/lib/nginx/modules/ngx_http_js_module.so")}
"""Tools that are no commands: nginx's JavaScript, of the package libnginx-mod-http-js."""

OWN = {"strands": "python"}
"""What is run of an environment under `.tools`, where it is not named after the tool."""


def find(tool: str) -> Path | None:
    """Return the command of *tool*: from an environment under `.tools`, or else from the PATH."""
    own = ROOT / ".tools" / tool / "bin" / OWN.get(tool, tool)
    if own.exists():
        return own
    if tool in FILES:
        return FILES[tool] if FILES[tool].exists() else None
    found = (shutil.which(name) for name in NAMES.get(tool, (tool,)))
    return next((Path(path) for path in found if path), None)
