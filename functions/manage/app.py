"""Lambda entry point: everything about runs and streams, the dashboard, and what no other route
takes.
"""

from runstreams.aws_lambda import cold_start_typed as cold_start
from runstreams.aws_lambda.handler import lambda_handler
from runstreams.http.routes import dashboard, managing

handler = lambda_handler(managing.router, dashboard.router)
cold_start.finish()
