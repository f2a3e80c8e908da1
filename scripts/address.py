"""Say in the packages where they come from, before they are published: the repository's address.

It stands nowhere in the repository itself, so that a fork publishes its own.
    python scripts/address.py URL TAG
"""

import json
import re
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("src/react", "src/ai")
RELATIVE = re.compile(r'(\]\(|src="|srcset=")(?!https?:|#)')


def main(url: str, tag: str) -> None:
    """Write *url* into all metadata, and lead the README's links there, as of *tag*."""
    rewrite(ROOT / "pyproject.toml", lambda text: with_urls(text, url, tag))
    rewrite(ROOT / "README.md", lambda text: led_there(text, url, tag))
    for folder in PACKAGES:
        rewrite(ROOT / folder / "package.json", partial(with_repository, url=url, folder=folder))


def rewrite(path: Path, change: Callable[[str], str]) -> None:
    """Replace what *path* holds."""
    path.write_text(change(path.read_text()))


def with_urls(text: str, url: str, tag: str) -> str:
    """Return a pyproject.toml that names the addresses."""
    changelog = f"{url}/blob/{tag}/CHANGELOG.md"
    table = f'[project.urls]\nRepository = "{url}"\nChangelog = "{changelog}"\n'
    return text.replace("[project.scripts]", f"{table}\n[project.scripts]")


def led_there(text: str, url: str, tag: str) -> str:
    """Return a README whose links work elsewhere: pages for people, pictures as files."""
    kinds = {"](": "blob", 'src="': "raw", 'srcset="': "raw"}
    return RELATIVE.sub(lambda found: f"{found[1]}{url}/{kinds[found[1]]}/{tag}/", text)


def with_repository(text: str, url: str, folder: str) -> str:
    """Return a package.json that names where it comes from."""
    repository = {"type": "git", "url": f"git+{url}.git", "directory": folder}
    return json.dumps(json.loads(text) | {"repository": repository}, indent=2) + "\n"


if __name__ == "__main__":
    main(*sys.argv[1:])
