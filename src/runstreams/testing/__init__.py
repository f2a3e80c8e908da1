"""For the tests of programs that use streams.

`in_memory` needs nothing more than the SDK; `serving` needs `runstreams[server]`. As pytest
fixtures they are called `runstreams_client` and `runstreams_server`.
"""

from .memory import in_memory
from .serving import Server, serving

__all__ = ["Server", "in_memory", "serving"]

Server.__module__ = __name__
