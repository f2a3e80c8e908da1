"""How every server of ours speaks HTTP: alone, inside of a function, and in tests."""

from typing import Any

import uvicorn
from starlette.types import ASGIApp

from .protocol import Protocol
from .uvicorn import quieten


def spoken(app: ASGIApp, **settings: Any) -> uvicorn.Config:
    """Return what uvicorn serves *app* by, with its other *settings*; it says little."""
    quieten()
    return uvicorn.Config(
        app,
        http=Protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        **settings,
    )
