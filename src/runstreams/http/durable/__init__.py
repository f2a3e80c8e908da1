"""The open protocol Durable Streams: how it asks, and how it is answered."""
