"""Lambda entry point: writes."""

from runstreams.aws_lambda import cold_start
from runstreams.aws_lambda.handler import lambda_handler
from runstreams.http.routes import appending, durable

handler = lambda_handler(appending.router, durable.writing)
cold_start.finish()
