"""From a source to acknowledged chunks: what a pipe or a writer is made of."""
