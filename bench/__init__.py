"""The benchmark: one load generator, used alike for this server, the reference and the floor."""
