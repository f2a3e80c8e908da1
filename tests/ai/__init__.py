"""What frameworks for models give: the real packages, and a model on this machine."""
