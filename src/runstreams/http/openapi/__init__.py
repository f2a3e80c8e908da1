"""The API as an OpenAPI document, made of its own limits, records and errors."""

from .document import document

__all__ = ["document"]
