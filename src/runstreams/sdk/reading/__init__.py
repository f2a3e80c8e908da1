"""From a stream to values in order, each once: what a reader is made of."""
