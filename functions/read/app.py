"""Lambda entry point: long-poll reads."""

from runstreams import cold_start
from runstreams.http import aws_lambda, reading

handler = aws_lambda.handler(reading.router)
cold_start.finish()
