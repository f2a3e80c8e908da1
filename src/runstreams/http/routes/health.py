"""Whether the service answers; nobody is asked for a key."""

from fastapi import APIRouter

from ..._version import __version__
from .models import Health

router = APIRouter()


@router.get("/health")
async def health() -> Health:
    """Say that the service answers."""
    return Health(status="ok", version=__version__)
