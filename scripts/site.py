"""What MkDocs needs for these pages: files outside of `docs` that one links to are pages, too.

The site has `docs/x.md` at `x.md`, and everything else where the repository has it: programs in a
page of their own, `examples/worker.py.md`.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from pymdownx.slugs import slugify

ROOT = Path(__file__).resolve().parent.parent
LINK = re.compile(r"(?<=\]\()[^)#:\s]+")
PROGRAM = "# {name}\n\n````{language}\n{text}````\n"


def on_config(config: MkDocsConfig) -> None:
    """Name headings as GitHub does, so that a link to one leads there in both places."""
    config.mdx_configs["toc"]["slugify"] = slugify(case="lower")


def on_files(files: Files, config: MkDocsConfig) -> None:
    """Add what the pages link to, and what is linked to from there."""
    waiting = [source_of(file.src_uri) for file in files.documentation_pages()]
    while waiting:
        for linked in links(waiting.pop()):
            if files.get_file_from_path(place_of(linked)) is None:
                files.append(shown(linked, config))
                waiting += [linked] if linked.suffix == ".md" else []


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Lead each link to where the site has what it leads to in the repository."""
    source, folder = source_of(page.file.src_uri), os.path.dirname(page.file.src_uri)

    def moved(link: re.Match[str]) -> str:
        target = resolved(source, link[0])
        return os.path.relpath(place_of(target), folder or ".") if target else link[0]

    return LINK.sub(moved, markdown)


def links(source: Path) -> Iterator[Path]:
    """Yield the files that the page made of *source* links to."""
    for link in LINK.findall(source.read_text()):
        if target := resolved(source, link):
            yield target


def resolved(source: Path, link: str) -> Path | None:
    """Return the file that *link* leads to, None where it leads to none."""
    target = Path(os.path.normpath(source.parent / link))
    return target if target.is_file() else None


def place_of(target: Path) -> str:
    """Return where the site has a file of the repository."""
    if target.is_relative_to(ROOT / "docs"):
        return target.relative_to(ROOT / "docs").as_posix()
    place = target.relative_to(ROOT).as_posix()
    return f"{place}.md" if target.suffix == ".py" else place


def source_of(place: str) -> Path:
    """Return the file of the repository that the site has at *place*."""
    candidates = (ROOT / "docs" / place, ROOT / place, ROOT / place.removesuffix(".md"))
    return next(each for each in candidates if each.is_file())


def shown(target: Path, config: MkDocsConfig) -> File:
    """Return *target* as a file of the site."""
    text = target.read_text()
    if target.suffix == ".py":
        text = PROGRAM.format(name=target.name, language="python", text=text)
    return File.generated(config, place_of(target), content=text)
