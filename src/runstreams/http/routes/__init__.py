"""The routes of the API, one module for what is done to streams, each with a `router`."""
