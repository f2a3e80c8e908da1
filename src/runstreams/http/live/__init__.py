"""Answers that go on for as long as the stream does: waiting, event streams, shared pages."""
