"""What a Lambda function with typed routes imports first: `cold_start`, and models that are built
when they are first used.

FastAPI brings forty of them, of OpenAPI, and no function uses one. For every pydantic model of the
process, so never on a server of somebody's own. That models take what their base says stands in
https://github.com/pydantic/pydantic/blob/main/pydantic/_internal/_config.py.
"""

from pydantic import BaseModel

from .cold_start import finish

__all__ = ["finish"]

BaseModel.model_config["defer_build"] = True
