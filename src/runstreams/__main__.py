"""`python -m runstreams`: the same as the command `runstreams`."""

import sys

from .cli import main

sys.exit(main())
