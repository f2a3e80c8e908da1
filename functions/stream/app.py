"""Lambda entry point: the whole API, event streams included, as `run.sh` serves it."""

from runstreams import cold_start_typed as cold_start
from runstreams.http import appending, aws_web, dashboard, managing, reading

app = aws_web.application(appending.router, reading.router, managing.router, dashboard.router)
cold_start.finish()
