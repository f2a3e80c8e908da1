"""The core decides: how an append commits, what a page holds, when to seal, what has expired.
Standard library only.
"""
