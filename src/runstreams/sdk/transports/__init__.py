"""The ways to the streams: over HTTP, or directly in the stores."""
