"""The errors that a server answers with: those of the core and of the API, not the SDK's own."""

from runstreams.core.errors import RunstreamsError

SERVED = ("runstreams.core.", "runstreams.http.")


def served(kind: type[RunstreamsError] = RunstreamsError) -> list[type[RunstreamsError]]:
    """Return *kind* and all below it."""
    below = [found for each in kind.__subclasses__() for found in served(each)]
    return [kind, *below] if kind.__module__.startswith(SERVED) else below
