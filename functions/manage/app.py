"""Lambda entry point: everything about runs and streams, the dashboard, the API's own description,
and what no other route takes.
"""

from runstreams.aws_lambda import cold_start_typed as cold_start
from runstreams.aws_lambda.handler import lambda_handler
from runstreams.http.routes import dashboard, durable, front, managing

handler = lambda_handler(managing.router, durable.deleting, front.router, dashboard.router)
cold_start.finish()
