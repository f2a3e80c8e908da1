"""What frameworks for models give, in the forms that the front ends of others read.

Nothing of any framework is imported: its events are known by what they say.
"""

from .strands import strands_events
from .ui_messages import ui_message_chunks

__all__ = ["strands_events", "ui_message_chunks"]
