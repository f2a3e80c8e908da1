"""The routes of the whole API, for a process that serves all of it."""

from . import appending, dashboard, durable, front, managing, reading

ROUTERS = (
    appending.router,
    reading.router,
    durable.router,
    managing.router,
    front.router,
    dashboard.router,
)
