"""The errors that a server answers with: those of the core and of the API, not the SDK's own."""

from runstreams.core import errors as core
from runstreams.core import reading
from runstreams.core.errors import RunstreamsError
from runstreams.http import errors as http

MODULES = (core, reading, http)


def served(kind: type[RunstreamsError] = RunstreamsError) -> list[type[RunstreamsError]]:
    """Return *kind* and all below it."""
    below = [found for each in kind.__subclasses__() for found in served(each)]
    is_served = any(getattr(module, kind.__name__, None) is kind for module in MODULES)
    return [kind, *below] if is_served else below
