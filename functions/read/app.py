"""Lambda entry point: long-poll reads."""

from runstreams.aws_lambda import cold_start
from runstreams.aws_lambda.handler import lambda_handler
from runstreams.http.routes import reading

handler = lambda_handler(reading.router)
cold_start.finish()
