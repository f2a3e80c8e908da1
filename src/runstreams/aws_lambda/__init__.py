"""The API on AWS Lambda: handlers for API Gateway, and the application behind the Web Adapter.

Nothing is imported here: what a function imports first is `cold_start`.
"""
