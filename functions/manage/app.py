"""Lambda entry point: everything about runs and streams, the dashboard, and what no other route
takes.
"""

from runstreams import cold_start_typed as cold_start
from runstreams.http import aws_lambda, dashboard, managing

handler = aws_lambda.handler(managing.router, dashboard.router)
cold_start.finish()
