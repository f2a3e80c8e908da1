"""Lambda entry point: the whole API, event streams included, as `run.sh` serves it."""

from runstreams.aws_lambda import cold_start_typed as cold_start
from runstreams.aws_lambda.web import application
from runstreams.http.routes import appending, dashboard, managing, reading
from runstreams.serve.uvicorn import quieten

quieten()
app = application(appending.router, reading.router, managing.router, dashboard.router)
cold_start.finish()
