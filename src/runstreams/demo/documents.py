"""Real text to stream: two documents about streams, cut into words and spaces."""

import re
from importlib.resources import files


def tokens(name: str, most: int) -> list[str]:
    """Return the first *most* tokens of a document; joined they are its text, unchanged."""
    text = files(__package__).joinpath("texts", f"{name}.md").read_text("utf-8")
    return re.findall(r"\s+|[^\s]+", text)[:most]
