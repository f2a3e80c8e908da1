"""The HTTP API: one application for Lambda and for a server of our own."""

from .access import Keys
from .app import build_app
from .service import Host, Service, Stop

__all__ = ["Host", "Keys", "Service", "Stop", "build_app"]
