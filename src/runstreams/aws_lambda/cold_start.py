"""What a Lambda function imports first: importing the rest is then quicker.

It makes a hundred thousand objects and hardly any garbage, so looking for garbage meanwhile is a
tenth of the time that a cold start takes.
"""

import gc

gc.disable()


def finish() -> None:
    """Collect garbage again, apart from what has been imported, which stays for good."""
    gc.freeze()
    gc.enable()
