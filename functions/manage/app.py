"""Lambda entry point: everything about runs and streams, and what no other route takes."""

from runstreams import cold_start_typed as cold_start
from runstreams.http import aws_lambda, managing

handler = aws_lambda.handler(managing.router)
cold_start.finish()
