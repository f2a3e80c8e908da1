"""Lambda entry point: writes."""

from runstreams.aws_lambda import cold_start
from runstreams.aws_lambda.handler import lambda_handler
from runstreams.http.routes import appending

handler = lambda_handler(appending.router)
cold_start.finish()
