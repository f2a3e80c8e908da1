"""The SDK: what producers and readers of streams use, sync and async.

The decisions (batching, resuming, retrying) do no I/O and are shared; the I/O is written once,
async, and runs on a thread of its own, the *engine*, that belongs to a client. `runstreams` is the
sync surface of it and `runstreams.aio` the async one.
"""
