"""Lambda entry point: the whole API, event streams included, as `run.sh` starts it."""

import os

from runstreams.aws_lambda import cold_start_typed as cold_start
from runstreams.aws_lambda.web import application
from runstreams.http.routes.whole import ROUTERS
from runstreams.serve.speaking import spoken

KEEP_ALIVE_SECONDS = 900
"""The adapter gives idle connections up after 4 s; ours last longer, so that it is never us."""

app = application(*ROUTERS)
cold_start.finish()

if __name__ == "__main__":
    import uvicorn

    settings = spoken(
        app,
        host="127.0.0.1",
        port=int(os.environ.get("AWS_LWA_PORT") or 8080),
        loop="asyncio",
        log_level="warning",
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
    )
    uvicorn.Server(settings).run()
