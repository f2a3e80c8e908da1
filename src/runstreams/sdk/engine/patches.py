"""Refusing to run where threads are none: an engine needs a thread, and asyncio a thread a loop.

gevent's patches make of the engine's thread a greenlet of the main one. There the engine's loop
counts as running for everybody, and every `asyncio.run` of the program fails. Where only threads
are left as they are, what waits in one for another waits for ever.
"""

import sys

from ..errors import InvalidSetting

_PATCHED = ("threading", "select", "queue")
"""What an engine and the pools of asyncio stand on."""


def refuse_patches() -> None:
    """Raise `InvalidSetting` where gevent has patched what an engine stands on."""
    monkey = sys.modules.get("gevent.monkey")
    found = [name for name in _PATCHED if monkey is not None and monkey.is_module_patched(name)]
    if found:
        raise InvalidSetting(
            f"gevent has patched {', '.join(found)}, which runstreams needs as it is: "
            "use gevent.monkey.patch_all(thread=False, select=False, queue=False)"
        )
