"""Programs that use streams, to read and to begin from."""
