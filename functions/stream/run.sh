#!/bin/sh
# The Lambda Web Adapter starts this in the place of Lambda's Python, waits until /health answers,
# and then hands over each invocation as an HTTP request. Lambda's own order of packages: the
# function, the layers, what the runtime brings.
set -eu
cd "$LAMBDA_TASK_ROOT"
export PYTHONPATH="$LAMBDA_TASK_ROOT:/opt/python${PYTHONPATH:+:$PYTHONPATH}:$LAMBDA_RUNTIME_DIR"
export PYTHONUNBUFFERED=1 # Lambda stops the process between requests, and what is not written waits.
exec python3 app.py
