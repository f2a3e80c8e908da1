#!/bin/sh
# The Lambda Web Adapter starts this in the place of Lambda's Python, waits until /health answers,
# and then hands over each invocation as an HTTP request. Lambda's own order of packages: the
# function, the layers, what the runtime brings.
set -eu
cd "$LAMBDA_TASK_ROOT"
export PYTHONPATH="$LAMBDA_TASK_ROOT:/opt/python${PYTHONPATH:+:$PYTHONPATH}:$LAMBDA_RUNTIME_DIR"
export PYTHONUNBUFFERED=1 # Lambda stops the process between requests, and what is not written waits.
# The adapter gives idle connections up after 4 s; ours last longer, so that it is never us.
exec python3 -m uvicorn --host 127.0.0.1 --port "${AWS_LWA_PORT:-8080}" --loop asyncio \
    --http httptools --ws none --lifespan off --no-access-log --no-server-header \
    --no-proxy-headers --timeout-keep-alive 900 --log-level warning app:app
