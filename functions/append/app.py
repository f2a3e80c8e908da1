"""Lambda entry point: writes."""

from runstreams import cold_start
from runstreams.http import appending, aws_lambda

handler = aws_lambda.handler(appending.router)
cold_start.finish()
