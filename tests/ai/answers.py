"""What the stand-in model says, for each name that it can be asked by."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import repeat


@dataclass(frozen=True)
class Text:
    """Pieces of text, as they are cut."""

    pieces: Iterable[str]


@dataclass(frozen=True)
class Reasoning:
    """Pieces of what is thought before it is said."""

    pieces: tuple[str, ...]


@dataclass(frozen=True)
class Call:
    """The call of a tool, its input in pieces of JSON."""

    name: str
    pieces: tuple[str, ...]


@dataclass(frozen=True)
class Trouble:
    """An error in the middle of an answer."""

    message: str


Part = Text | Reasoning | Call | Trouble

WORDS = Text(("To", " be, or ", "Fuß ", "👍", "🏽", "!"))
"""Its thumb and the colour of it come in two pieces: two characters that are shown as one."""

HALVES = Text(("ok \ud83d", "\udc4d bye"))
"""A character that is cut between its UTF-16 units."""

CALL = Call("weather", ('{"ci', 'ty": "Kö', 'ln"}'))

ANSWERS: dict[str, tuple[Part, ...]] = {
    "text": (WORDS,),
    "halves": (HALVES,),
    "reasoning": (Reasoning(("Let me ", "think.")), WORDS),
    "tool": (Text(("I will ", "look.")), CALL),
    "breaks": (WORDS, Trouble("Overloaded")),
    "held": (WORDS,),
    "endless": (Text(repeat("and ")),),
}


def answer(model: str, has_tools: bool, has_results: bool) -> tuple[Part, ...]:
    """Return what *model* answers: any other name is a model that calls the tool that it has, and
    with what that has found answers in words.
    """
    if has_results:
        return (WORDS,)
    return ANSWERS.get(model) or ANSWERS["tool" if has_tools else "text"]
