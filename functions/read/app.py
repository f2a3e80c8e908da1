"""Lambda entry point: long-poll reads."""

from runstreams.aws_lambda import cold_start
from runstreams.aws_lambda.handler import lambda_handler
from runstreams.http.routes import durable, reading

handler = lambda_handler(reading.router, durable.reading)
cold_start.finish()
