"""What keeps a command from doing its work."""


class CannotRun(Exception):
    """A command cannot do its work; the message is one line that says why and what to do."""
